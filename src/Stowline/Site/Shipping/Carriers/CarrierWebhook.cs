using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>How many reports were in a message, and how many of them were new.</summary>
public sealed record WebhookTaken(int Reports, int Fresh);

/// <summary>
/// <c>POST</c> or <c>PUT /carrier-webhooks/{word}</c>: where carriers report by themselves. The word in the address tells which carrier it is and is its first secret; what the carrier signs is
/// checked besides. A report of a parcel that is not known here is taken and forgotten: refused, it would come again and again. Refusals: 404 for a wrong word, <c>wrong_signature</c>.
/// </summary>
internal static class CarrierWebhook
{
    private const int MostBody = 1024 * 1024;
    private const int MostParcels = 200;

    private sealed record Place { public string Site { get; init; } = ""; public string Carrier { get; init; } = ""; }

    public static void Map(IEndpointRouteBuilder api, Node node)
    {
        foreach (var method in new[] { "POST", "PUT" })
            api.MapMethods("/carrier-webhooks/{word}", [method], (HttpContext http, string word) => TakeAsync(http, node, word))
                .WithTags("Carriers").WithSummary("Where a carrier reports by itself; the address is its secret").Takes<JsonElement>(optional: true).Produces<WebhookTaken>();
    }

    private static async Task TakeAsync(HttpContext http, Node node, string word)
    {
        var hash = SaveCarrier.HashOf(word);
        var found = await node.Database.ReadAsync(async s => await s.FindAsync<Place>("SELECT site, carrier FROM carriers WHERE webhook_hash = @hash AND enabled = @yes", new { hash, yes = true }) is { } place
            && await CarrierRows.FindAsync(s, place.Site, place.Carrier) is { } row ? (await CarrierRows.AccountAsync(s, row, node.Secrets)).Account : null, http.RequestAborted);
        if (found?.Profile.Webhook is not { } hook) { await Answers.WriteAsync(http, Refusal.NotFound("not_found", "there is nothing at this address")); return; }
        var body = await BodyAsync(http);
        if (body is null) { await Answers.WriteAsync(http, new Refusal(RefusalKind.TooLarge, "body_too_large", "the body is larger than 1 MB")); return; }
        // D Express calls with its fields in the query, without a body.
        var json = body.Length > 0 ? Parse(body) : new JsonObject(http.Request.Query.Select(q => KeyValuePair.Create(q.Key, (JsonNode?)JsonValue.Create(q.Value.ToString()))));
        if (json is null) { await Answers.WriteAsync(http, Refusal.Invalid("body", "is not valid JSON")); return; }
        if (!IsSigned(found, hook, http.Request.Headers, body, json))
        {
            await Answers.WriteAsync(http, new Refusal(RefusalKind.Unauthenticated, "wrong_signature", "the message is not signed as agreed with this carrier"));
            return;
        }
        var taken = await node.Lanes.ExecuteAsync(Lane.Site(found.Site), new Caller("carrier " + found.Carrier), tx => DecideAsync(tx, found, hook, json), http.RequestAborted);
        // What is not what it expects, a carrier takes for a failure, and reports again.
        if (taken.IsOk && hook.Answer is { } thanks) await Answers.WriteBytesAsync(http, 200, null, Encoding.UTF8.GetBytes(thanks), "text/plain; charset=utf-8");
        else await Answers.WriteAsync(http, taken);
    }

    private static async Task<byte[]?> BodyAsync(HttpContext http)
    {
        if (http.Request.ContentLength > MostBody) return null;
        using var stream = new MemoryStream();
        var buffer = new byte[16 * 1024];
        for (int read; (read = await http.Request.Body.ReadAsync(buffer, http.RequestAborted)) > 0;)
        {
            stream.Write(buffer, 0, read);
            if (stream.Length > MostBody) return null;
        }
        return stream.ToArray();
    }

    private static JsonNode? Parse(byte[] body)
    {
        try
        {
            return JsonNode.Parse(body);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Compared in constant time. Where a signature is agreed but its secret is not set, nothing passes.</summary>
    internal static bool IsSigned(CarrierAccount account, ProfileWebhook hook, IHeaderDictionary headers, byte[] body, JsonNode json)
    {
        if (hook.Signature == "none") return true;
        if (hook.Secret is null || !account.Secrets.TryGetValue(hook.Secret, out var secret)) return false;
        if (hook.Signature == "field") return Same(JsonWords.Text(json, hook.Field ?? ""), secret);
        var key = Encoding.UTF8.GetBytes(secret);
        return hook.Signature == "hmac_sha256_hex" && Same(headers[hook.Header ?? ""].ToString(), hook.Prefix + Convert.ToHexStringLower(HMACSHA256.HashData(key, body)));
    }

    private static bool Same(string given, string right) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(right));

    internal static async ValueTask<Outcome<WebhookTaken>> DecideAsync(LaneTransaction tx, CarrierAccount account, ProfileWebhook hook, JsonNode json)
    {
        var reports = Tracking.Read(account, json, hook.Items, hook.Read);
        var reference = hook.Read.TryGetValue("reference", out var path) ? JsonWords.Read(json, path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : path) : "";
        var fresh = 0;
        foreach (var group in reports.GroupBy(r => r.Parcel, StringComparer.Ordinal).Take(MostParcels))
            if (await FindAsync(tx.Group.Session, account, reference, group.Key) is { } booking) fresh += await Tracking.ApplyAsync(tx, booking, [.. group]);
        return new WebhookTaken(reports.Count, fresh);
    }

    private static async ValueTask<BookingRow?> FindAsync(SqlSession session, CarrierAccount account, string reference, string number)
    {
        var (site, carrier) = (account.Site, account.Carrier);
        if (reference.Length > 0 && await session.FindAsync<BookingRow>($"SELECT {BookingRow.Columns} FROM carrier_bookings WHERE site = @site AND reference = @reference AND carrier = @carrier", new { site, reference, carrier }) is { } named) return named;
        return number.Length == 0 ? null : await session.FindAsync<BookingRow>(
            $"SELECT {BookingRow.Columns} FROM carrier_bookings WHERE site = @site AND tracking_number = @number AND carrier = @carrier ORDER BY id DESC LIMIT 1", new { site, number, carrier });
    }
}
