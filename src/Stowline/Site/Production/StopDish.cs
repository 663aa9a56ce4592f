using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Site.Production;

/// <summary>A dish or ingredient, and why it is off.</summary>
public sealed record StopBody { public string? Sku { get; init; } public string? Reason { get; init; } }

public sealed record StopView
{
    public string Sku { get; init; } = "";
    public string Reason { get; init; } = "";
    /// <summary>False: its stock has run out, and stock brings it back.</summary>
    public bool ByHand { get; init; }
    public DateTimeOffset StoppedAt { get; init; }
}

/// <summary>Takes a dish or an ingredient off the site's menu (86) and puts it back on. The hub refuses orders for it from then on: 409 <c>dish_unavailable</c>.</summary>
public static class StopDish
{
    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.Post("/sites/{code}/stops", http => SitePath.RunAsync<StopBody, StopView>(http, node, DecideAsync))
            .WithTags("Production").WithSummary("Take a dish or ingredient off the menu (86)").Accepts<StopBody>("application/json").Produces<StopView>();
        api.MapDelete("/sites/{code}/stops/{sku}", (HttpContext http, string code, string sku) => SitePath.RunAsync(http, node, (site, tx) => LiftAsync(site, SitePath.Segment(http, "sku"), tx)))
            .WithTags("Production").WithSummary("Put a dish or ingredient back on the menu").Produces<StopView>();
        api.Get("/sites/{code}/stops", http => SitePath.ReadAsync(http, node, async site =>
            Pages.Of(http, await node.Database.ReadAsync(async s => await s.QueryAsync<StopView>("SELECT sku, reason, by_hand, stopped_at FROM dish_stops WHERE site = @site ORDER BY sku", new { site })), stop => stop.Sku)))
            .WithTags("Production").WithSummary("What is off the menu at a site").ShortPages<StopView>();
    }

    public static async ValueTask<Outcome<StopView>> DecideAsync(string site, StopBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var sku = problems.Code(body.Sku, "sku");
        var reason = problems.Text(body.Reason?.Trim(), "reason", 200) ?? "86";
        if (problems.Any) return problems.ToRefusal();
        var before = await FindAsync(tx, site, sku);
        if (before is { ByHand: true }) return Outcome<StopView>.AlreadyDone(before);
        await StopAsync(tx, site, sku, reason, byHand: true);
        return new StopView { Sku = sku, Reason = reason, ByHand = true, StoppedAt = tx.Now };
    }

    public static async ValueTask<Outcome<StopView>> LiftAsync(string site, string sku, LaneTransaction tx)
    {
        if (await FindAsync(tx, site, sku) is not { } stop) return Refusal.NotFound("stop_not_found", $"{sku} is not off at {site}");
        await ResumeAsync(tx, site, sku);
        return stop;
    }

    private static ValueTask<StopView?> FindAsync(LaneTransaction tx, string site, string sku) =>
        tx.FindAsync<StopView>("SELECT sku, reason, by_hand, stopped_at FROM dish_stops WHERE site = @site AND sku = @sku", new { site, sku });

    internal static async ValueTask StopAsync(LaneTransaction tx, string site, string sku, string reason, bool byHand)
    {
        await tx.WriteAsync("""
            INSERT INTO dish_stops (site, sku, reason, by_hand, stopped_at) VALUES (@site, @sku, @reason, @byHand, @now)
            ON CONFLICT (site, sku) DO UPDATE SET reason = excluded.reason, by_hand = excluded.by_hand, stopped_at = excluded.stopped_at
            """, new { site, sku, reason, byHand, now = tx.Now });
        tx.Append(Lane.Site(site), new DishStopped(sku, reason, byHand), $"dish/{site}/{sku}");
    }

    internal static async ValueTask ResumeAsync(LaneTransaction tx, string site, string sku)
    {
        await tx.WriteAsync("DELETE FROM dish_stops WHERE site = @site AND sku = @sku", new { site, sku });
        tx.Append(Lane.Site(site), new DishResumed(sku), $"dish/{site}/{sku}");
    }
}
