using System.Globalization;
using System.Text.Json.Nodes;

namespace Stowline.Hub.Channels;

/// <summary>
/// Allegro's stock: quantities are set by a command (<c>PUT /sale/offer-quantity-change-commands/{id}</c>) that is answered at once with zeros and reported on later. A command is known by
/// the id that we give it, so giving it twice is giving it once.
/// </summary>
internal sealed class AllegroStock(AllegroApi api) : IShop
{
    private const string Commands = "/sale/offer-quantity-change-commands/";
    private const int TasksAtOnce = 1_000;

    public (string Group, int Most) CallOf(string offer) => ("", 1_000);
    public bool SameQuantity => true;
    public bool Reports => true;
    public bool CanRead => true;

    public Task<CallAnswer> SetAsync(Guid command, IReadOnlyList<OfferQuantity> offers, CancellationToken ct) => api.SendAsync(HttpMethod.Put, Commands + command, new JsonObject
    {
        ["modification"] = new JsonObject { ["changeType"] = "FIXED", ["value"] = offers[0].Quantity },
        ["offerCriteria"] = new JsonArray(new JsonObject
        {
            ["type"] = "CONTAINS_OFFERS",
            ["offers"] = new JsonArray([.. offers.Select(o => (JsonNode)new JsonObject { ["id"] = o.Offer })]),
        }),
    }, forStock: true, ct);

    /// <summary>The summary shows zeros for a while, so only one that accounts for every offer is believed. An offer that is not this seller's is never in it.</summary>
    public async Task<(CallAnswer Answer, CommandReport? Report)> LookAsync(Guid command, int offers, CancellationToken ct)
    {
        var answer = await api.GetAsync(Commands + command, forStock: true, ct);
        if (answer.Result == CallResult.Missing) return (answer, CommandReport.Unknown);
        if (!answer.Ok) return (answer, null);
        var count = answer.Body?["taskCount"];
        var (total, success, failed) = (Number(count?["total"]), Number(count?["success"]), Number(count?["failed"]));
        if (total == 0 || success + failed < total) return (answer, CommandReport.Working);
        if (failed == 0 && total >= offers) return (answer, CommandReport.AllSet);
        return await TasksAsync(command, ct);
    }

    private async Task<(CallAnswer, CommandReport?)> TasksAsync(Guid command, CancellationToken ct)
    {
        var answer = await api.GetAsync($"{Commands}{command}/tasks?limit={TasksAtOnce}&offset=0", forStock: true, ct);
        if (!answer.Ok || answer.Body?["tasks"] is not JsonArray tasks) return (answer, answer.Ok ? CommandReport.Working : null);
        var (failed, set) = (new Dictionary<string, string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        foreach (var task in tasks)
        {
            if (task?["offer"]?["id"]?.ToString() is not { } offer) continue;
            switch (task["status"]?.ToString())
            {
                case "SUCCESS": set.Add(offer); break;
                case "FAIL": failed[offer] = Reason(task); break;
                default: return (answer, CommandReport.Working);
            }
        }
        return (answer, new CommandReport(CommandState.Finished, failed, set));
    }

    private static string Reason(JsonNode task)
    {
        var error = (task["errors"] as JsonArray)?.FirstOrDefault();
        var text = task["message"]?.ToString() ?? error?["userMessage"]?.ToString() ?? error?["message"]?.ToString() ?? error?["code"]?.ToString();
        return "Allegro says: " + (string.IsNullOrWhiteSpace(text) ? "FAIL" : text);
    }

    public async Task<(CallAnswer Answer, ShownPage? Page)> ReadAsync(IReadOnlyList<string> offers, string? from, int batch, CancellationToken ct)
    {
        var offset = from is null ? 0 : int.Parse(from, CultureInfo.InvariantCulture);
        var answer = await api.GetAsync(string.Create(CultureInfo.InvariantCulture, $"/sale/offers?publication.status=ACTIVE&publication.status=ACTIVATING&publication.status=ENDED&limit={batch}&offset={offset}"), forStock: true, ct);
        if (!answer.Ok) return (answer, null);
        List<ShownOffer> shown = [.. (answer.Body?["offers"] as JsonArray ?? []).Where(o => o?["id"] is not null).Select(o =>
            new ShownOffer(o!["id"]!.ToString(), o["external"]?["id"]?.ToString(), o["stock"]?["available"] is { } available ? Number(available) : null))];
        var next = shown.Count > 0 && offset + shown.Count < Number(answer.Body?["totalCount"]) ? (offset + shown.Count).ToString(CultureInfo.InvariantCulture) : null;
        return (answer, new ShownPage(shown, next));
    }

    private static long Number(JsonNode? node) => node is JsonValue value && value.TryGetValue<long>(out var number) ? number : 0;
}
