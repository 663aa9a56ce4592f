using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>What is to be taken back from the hub.</summary>
/// <param name="Confirm">Must be true: what the hub has promised of it and the site has not heard may become short.</param>
/// <param name="Skus">Only these; all of the site's where it is missing.</param>
/// <param name="Reason">At most 500 characters.</param>
public sealed record EpochBody(bool? Confirm, IReadOnlyList<string?>? Skus, string? Reason);

/// <summary>What came of it.</summary>
/// <param name="Opened">SKUs whose counters have begun a new epoch: those of which the hub held units that no part needs.</param>
/// <param name="Disputed">Units of the site, over all SKUs, that wait for a count.</param>
public sealed record EpochView(string Site, int Opened, long Disputed);

/// <summary>A SKU of which units are disputed.</summary>
/// <param name="Answered">Whether the hub has heard of the epoch. Before, nothing more is granted to it.</param>
public sealed record DisputeView(string Sku, int Epoch, long Disputed, long OnHand, long Reserved, bool Answered);

/// <summary>
/// Takes back at the site what it has granted (decision 0027), where the hub is gone for good or its word on a SKU cannot be had any more. Parts that the site knows of keep their units and are worked
/// on. All else that was held for the hub is disputed, for the hub may have promised it: it is neither sold nor granted until it has been counted. Nothing is granted before the hub has answered, so
/// what has been counted is the site's own as long as there is no hub. Again, while nothing more is held for the hub: changes nothing.
/// </summary>
public static class OpenEpoch
{
    private const int MostSkus = 1_000;

    /// <summary>SKUs per event: an event must stay small enough to travel.</summary>
    private const int Step = 500;

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.Post("/sites/{code}/epoch", http => SitePath.RunAsync<EpochBody, EpochView>(http, node, DecideAsync))
            .WithTags("Sites").WithSummary("Take back what a site has granted to a hub that is gone; at the site").Takes<EpochBody>().Produces<EpochView>();
        api.Get("/sites/{code}/disputes", http => SitePath.ReadAsync(http, node, site => DisputesAsync(site, new ListQuery(http), node)))
            .WithTags("Sites").WithSummary("Units that are neither sold nor granted until they are counted").Pages<DisputeView>();
    }

    public static async ValueTask<Outcome<EpochView>> DecideAsync(string site, EpochBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        problems.Check(body.Confirm == true, "confirm", "must be true: what the hub has promised and the site has not heard of may become short");
        var skus = (body.Skus ?? []).Take(MostSkus + 1).Select((s, i) => problems.Code(s, $"skus[{i}]")).ToList();
        problems.Check(body.Skus is not { Count: 0 }, "skus", "must not be empty; without it, all are meant");
        problems.Check(skus.Count <= MostSkus, "skus", $"must be at most {MostSkus}");
        var reason = problems.Text(body.Reason?.Trim(), "reason", 500);
        if (problems.Any) return problems.ToRefusal();
        var known = (await SkuTotals.ReadAsync(tx, site, skus)).Select(b => b.Sku).ToHashSet(StringComparer.Ordinal);
        if (skus.FindIndex(s => !known.Contains(s)) is >= 0 and var unknown)
            return Refusal.NotFound("product_not_found", $"{site} has never had {skus[unknown]}") with { Errors = new Dictionary<string, string[]> { [$"skus[{unknown}]"] = ["is not at the site"] } };
        var opened = await RunAsync(tx, site, skus.Count > 0 ? [.. skus.Distinct(StringComparer.Ordinal)] : await SkusAsync(tx, site), new Opening("operator", string.IsNullOrEmpty(reason) ? null : reason));
        var view = new EpochView(site, opened, await tx.FindAsync<long>("SELECT CAST(COALESCE(SUM(disputed), 0) AS bigint) FROM site_skus WHERE site = @site", new { site }));
        return opened == 0 ? Outcome<EpochView>.AlreadyDone(view) : view;
    }

    /// <param name="All">Also SKUs of which nothing is to be taken back: the hub listens to no older epoch.</param>
    /// <param name="Dispute">What is taken back waits for a count.</param>
    private sealed record Opening(string Cause, string? Reason, bool All = false, bool Dispute = true);

    private static ValueTask<IReadOnlyList<string>> SkusAsync(LaneTransaction tx, string site) => tx.QueryAsync<string>("SELECT sku FROM site_skus WHERE site = @site ORDER BY sku", new { site });

    private static async ValueTask<int> RunAsync(LaneTransaction tx, string site, IReadOnlyList<string> skus, Opening how)
    {
        var count = 0;
        foreach (var some in skus.Chunk(Step))
        {
            var opened = (await SkuTotals.ReadAsync(tx, site, some)).Where(b => how.All || b.Held > b.Reserved).Select(b => b.Reopened(how.Dispute)).ToList();
            if (opened.Count == 0) continue;
            count += opened.Count;
            await tx.UpdateAsync("site_skus", "epoch = k.new_epoch, granted = k.granted, withdrawn = 0, returned = 0, disputed = k.disputed", opened.Count,
                [Column.Same("site", opened.Count, site), Column.From("sku", opened, b => b.Sku)],
                Column.From("new_epoch", opened, b => b.Epoch), Column.From("granted", opened, b => b.Granted), Column.From("disputed", opened, b => b.Disputed));
            tx.Append(Lane.Site(site), new EpochOpened(how.Cause, how.Reason,
                [.. opened.Select(b => new EpochCounters(b.Sku, b.Epoch, b.Granted, b.Consumed, b.Withdrawn, b.Consumed + b.Reserved, 0, b.Returned))],
                [.. opened.Select(b => b.ToBalance())]), $"stock/{site}");
        }
        return count;
    }

    /// <summary>The hub, which had given the site up, wants it back: it listens to no epoch of before.</summary>
    internal static async ValueTask ResumeAsync(LaneTransaction tx, string site, SiteTakenBack word)
    {
        await RunAsync(tx, site, await SkusAsync(tx, site), new Opening("taken_back", null, All: true, Dispute: !word.TrustBooks));
        tx.Append(Lane.Site(site), new SiteResumed(site), $"stock/{site}");
    }

    /// <summary>The hub has heard of epochs: what it promised before them has come before this, so the site may grant again.</summary>
    internal static async ValueTask AnsweredAsync(LaneTransaction tx, string site, EpochAnswered word)
    {
        await tx.UpdateAsync("site_skus", "answered = CASE WHEN k.heard > site_skus.answered THEN k.heard ELSE site_skus.answered END", word.Epochs.Count,
            [Column.Same("site", word.Epochs.Count, site), Column.From("sku", word.Epochs, e => e.Sku)], Column.From("heard", word.Epochs, e => e.Epoch));
        await StockPolicy.RebalanceAsync(tx, site, [.. word.Epochs.Select(e => e.Sku)], "epoch answered");
    }

    /// <summary>Somebody has counted a row of stock: so many units of the SKU are in dispute no more. Call before the settlement.</summary>
    /// <param name="units">What was to be there or was found there, without what parts have reserved.</param>
    internal static ValueTask CountedAsync(LaneTransaction tx, string site, string sku, long units) => units <= 0 ? ValueTask.CompletedTask
        : tx.WriteAsync("UPDATE site_skus SET disputed = CASE WHEN disputed > @units THEN disputed - @units ELSE 0 END WHERE site = @site AND sku = @sku AND disputed > 0", new { site, sku, units });

    private sealed record Row
    {
        public string Sku { get; init; } = "";
        public int Epoch { get; init; }
        public long Disputed { get; init; }
        public long OnHand { get; init; }
        public long Reserved { get; init; }
        public int Answered { get; init; }
    }

    private static async Task<Outcome<Page<DisputeView>>> DisputesAsync(string site, ListQuery query, Node node)
    {
        var after = query.CursorCodes(1);
        if (query.IsWrong) return query.Refusal;
        var rows = await node.Database.ReadAsync(async s => await s.QueryAsync<Row>("""
            SELECT sku, epoch, disputed, on_hand, reserved, answered FROM site_skus WHERE site = @site AND disputed > 0 AND sku > @after ORDER BY sku LIMIT @more
            """, new { site, after = after?[0] ?? "", more = query.More }));
        return new Page<DisputeView>([.. rows.Take(query.Limit).Select(r => new DisputeView(r.Sku, r.Epoch, r.Disputed, r.OnHand, r.Reserved, r.Answered >= r.Epoch))],
            rows.Count > query.Limit ? rows[query.Limit - 1].Sku : null);
    }
}
