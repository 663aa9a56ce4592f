using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Store;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>What a carrier would ask for a packed task.</summary>
/// <param name="Error">Why this carrier has no price; null where it has.</param>
/// <param name="Days">How long it takes, in the carrier's own words.</param>
public sealed record RateView(string Carrier, string? Service, string? Name, Money? Price, string? Days, string? Error);

/// <summary>
/// <c>GET /packing-tasks/{key}/rates</c>: asks all carriers of the site that have prices, at once, and answers with what came in time. Nothing is written. Refusals: <c>packing_task_not_found</c>,
/// <c>not_packed</c>.
/// </summary>
internal static class Rates
{
    private const int MostRates = 200;
    private const int MostLines = 2_000;

    public static void Map(IEndpointRouteBuilder api, Node node, CarrierClient client) =>
        api.MapGet("/packing-tasks/{key}/rates", (HttpContext http, string key) => AnswerAsync(http, node, client, key))
            .WithTags("Carriers").WithSummary("What the site's carriers would ask for a packed task, cheapest first").Produces<Page<RateView>>();

    private static async Task AnswerAsync(HttpContext http, Node node, CarrierClient client, string key)
    {
        if (await TaskInput.FindAsync(node.Database, PackingEndpoints.Table, key, http.RequestAborted) is not { } found) { await Answers.WriteAsync(http, PackingTasks.NotFound(key)); return; }
        if (node.IsRemote(found.Site)) { await Answers.WriteAsync(http, Replicas.Refuse(Lane.Site(found.Site))); return; }
        var asked = await node.Database.ReadAsync(s => PrepareAsync(s, found.Site, found.Id, node.Time.GetUtcNow(), node.Secrets), http.RequestAborted);
        if (asked.Refusal is { } no) { await Answers.WriteAsync(http, no); return; }
        var rates = (await Task.WhenAll(asked.Value.Select(a => AskAsync(client, a.Account, a.Values, http.RequestAborted)))).SelectMany(r => r).ToList();
        RateView[] sorted = [.. rates.OrderBy(r => r.Price is null).ThenBy(r => r.Price?.Currency, StringComparer.Ordinal).ThenBy(r => r.Price?.Amount).Take(MostRates)];
        await Answers.WriteAsync<Page<RateView>>(http, new Page<RateView>(sorted, null));
    }

    private static async Task<Outcome<List<(CarrierAccount Account, JsonObject Values)>>> PrepareAsync(SqlSession session, string site, Guid id, DateTimeOffset now, SecretBox? box)
    {
        if (await ShippedParts.FindAsync(session, site, id) is not { } parcel) return PackingTasks.NotFound(id.ToString());
        var task = parcel.Task;
        if (task.Status is not (PackingStatus.Packed or PackingStatus.Shipped)) return Refusal.Conflict("not_packed", $"packing task {task.Number} is {SnakeCaseEnum<PackingStatus>.Text(task.Status)}, not packed");
        var order = await FulfillmentOrders.FindAsync(session, task.OrderId, task.Part) ?? throw new InvalidOperationException($"packing task {task.Number} has no fulfillment order");
        var settings = await ShippingSettings.ReadAsync(session, site);
        var recipient = await ParcelValues.RecipientAsync(session, order, await Bookings.OfTaskAsync(session, id));
        var asked = new List<(CarrierAccount, JsonObject)>();
        foreach (var row in await CarrierRows.OfSiteAsync(session, site))
        {
            if (!row.Enabled || row.OpenUntil > now || (await CarrierRows.AccountAsync(session, row, box)).Account is not { Profile.Rate: not null } account) continue;
            var booking = new BookingRow { Id = id, Site = site, Reference = task.Number.ToString(System.Globalization.CultureInfo.InvariantCulture) };
            asked.Add((account, ParcelValues.Of(booking, task, order, recipient, settings.Sender, now, TimeZoneInfo.FindSystemTimeZoneById(account.Profile.TimeZone))));
        }
        return asked;
    }

    internal static async Task<IReadOnlyList<RateView>> AskAsync(CarrierClient client, CarrierAccount account, JsonObject values, CancellationToken ct)
    {
        var call = account.Profile.Rate!;
        var answer = await client.CallAsync(account, "rate", call, values, ct);
        if (answer.Result != CallResult.Ok) return [new RateView(account.Carrier, null, null, null, null, answer.Error ?? "no price")];
        var items = call.Items is null ? [answer.Json] : JsonWords.Find(answer.Json, call.Items) as JsonArray ?? [];
        var views = items.Take(MostLines).Select(item =>
        {
            string? Word(string name) => call.Read.TryGetValue(name, out var path) && JsonWords.Read(item, path) is { Length: > 0 } text ? text : null;
            var price = BookingResults.PriceOf(Word("price") ?? "", Word("price_minor") ?? "") is { } e4 && Money.IsCurrency(Word("currency")) ? Money.FromE4(e4, Word("currency")!) : (Money?)null;
            return new RateView(account.Carrier, Word("service"), Word("name"), price, Word("days"), price is null ? "no price in the answer" : null);
        }).ToList();
        return call.Sum ? [.. views.Where(v => v.Price is not null).GroupBy(v => (v.Service, v.Price!.Value.Currency)).Select(g => g.First() with { Price = new Money(g.Sum(v => v.Price!.Value.Amount), g.Key.Currency) }).Take(MostRates)]
            : [.. views.Take(MostRates)];
    }
}
