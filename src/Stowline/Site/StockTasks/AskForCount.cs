using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Site.Topology;

namespace Stowline.Site.StockTasks;

/// <summary>What is to be counted: some bins, or a zone, or a SKU wherever it lies; with a SKU and one of the others, it alone there.</summary>
public sealed record AskForCountBody(IReadOnlyList<string?>? Bins, string? Zone, string? Sku, string? Reason);

/// <summary>The tasks that were made, each for one worker.</summary>
public sealed record CountTasks(IReadOnlyList<StockTask> Tasks);

/// <summary>
/// Sends somebody to count (W5): one line per row of stock, at most 50 lines per task, along the walk. Rows that somebody is sent to already are left out. Refuses with 404 <c>zone_not_found</c>,
/// 404 <c>bin_not_found</c>, 409 <c>nothing_to_count</c>, 409 <c>too_much_to_count</c> (more than 2,000 rows).
/// </summary>
public static class AskForCount
{
    private const int MostBins = 1_000;
    private const int MostRows = 2_000;

    internal static void Map(IEndpointRouteBuilder api, Node node) =>
        api.Post("/sites/{code}/stock-tasks", http => SitePath.RunAsync<AskForCountBody, CountTasks>(http, node, DecideAsync, 201))
            .WithTags("Stock tasks").WithSummary("Have bins, a zone or a SKU counted").Accepts<AskForCountBody>("application/json").Produces<CountTasks>(201);

    public static async ValueTask<Outcome<CountTasks>> DecideAsync(string site, AskForCountBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var bins = (body.Bins ?? []).Take(MostBins + 1).Select((b, i) => problems.Code(b, $"bins[{i}]")).ToList();
        problems.Check(bins.Count <= MostBins, "bins", $"must be at most {MostBins}");
        var zone = body.Zone is null ? null : problems.Code(body.Zone, "zone");
        var sku = body.Sku is null ? null : problems.Code(body.Sku, "sku");
        var reason = problems.Text(body.Reason?.Trim(), "reason", 200);
        problems.Check(bins.Count == 0 || zone is null, "zone", "comes without bins");
        problems.Check(bins.Count > 0 || zone is not null || sku is not null, "bins", "is required, or a zone or a sku");
        if (problems.Any) return problems.ToRefusal();

        if (zone is not null)
        {
            if (!await BinBook.HasZoneAsync(tx, site, zone)) return Refusal.NotFound("zone_not_found", $"{site} has no zone {zone}");
            bins = [.. await BinBook.OfZoneAsync(tx, site, zone)];
        }
        else if (bins.Count > 0)
        {
            var known = await BinBook.PlacesAsync(tx, site, bins);
            if (bins.FindIndex(b => !known.ContainsKey(b)) is >= 0 and var unknown) return Posting.NoBin(site, bins[unknown], $"bins[{unknown}]");
        }
        var places = zone is null && bins.Count == 0 ? await CountedStock.OfSkuAsync(tx, site, sku!) : await CountedStock.InBinsAsync(tx, site, bins, sku);
        places = await StockTasksTable.WithoutOpenAsync(tx, site, places);
        if (places.Count == 0) return Refusal.Conflict("nothing_to_count", "nothing lies there according to the books, or somebody is sent to count it already");
        if (places.Count > MostRows) return Refusal.Conflict("too_much_to_count", $"{places.Count} rows of stock are too many for one call; ask for {MostRows} at most");
        return new CountTasks(await MakeAsync(tx, site, places, StockTaskCause.Asked, reason));
    }

    /// <summary>Makes tasks of places that are in the order of the walk; a bin is not divided between two tasks unless it alone is too much for one.</summary>
    internal static async ValueTask<IReadOnlyList<StockTask>> MakeAsync(LaneTransaction tx, string site, IReadOnlyList<CountedStock.Place> places, StockTaskCause cause, string? reason = null)
    {
        var made = new List<StockTask>();
        for (var from = 0; from < places.Count;)
        {
            var to = Math.Min(from + StockTasksTable.MostLines, places.Count);
            if (to < places.Count && places[to].Bin == places[to - 1].Bin)
            {
                var start = to;
                while (start > from && places[start - 1].Bin == places[to].Bin) start--;
                if (start > from) to = start;
            }
            var id = await StockTasksTable.CreateAsync(tx, site, StockTaskKind.Count, cause, [.. places.Skip(from).Take(to - from).Select(LineOf)], reason);
            made.Add(await StockTasksTable.ShowAsync(tx, site, id));
            from = to;
        }
        return made;
    }

    internal static StockTaskLineRow LineOf(CountedStock.Place place) => new() { Sku = place.Sku, Bin = place.Bin, Lot = place.Lot ?? "" };
}
