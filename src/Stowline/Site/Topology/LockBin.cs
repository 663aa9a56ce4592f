using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;

namespace Stowline.Site.Topology;

/// <summary>Why a bin is locked: shown to whoever tries to use it.</summary>
public sealed record LockBody(string? Reason);

/// <summary>
/// Locks and unlocks a bin (W2). Locked stock that is not reserved is withdrawn from the hub, unlocked stock is granted again; what is
/// reserved stays for its picking task. Locking what is locked changes the reason; unlocking what is not locked does nothing.
/// </summary>
public static class LockBin
{
    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.Post("/sites/{code}/bins/{bin}/lock", http => SitePath.RunAsync<LockBody, BinView>(http, node, async (site, body, tx) =>
        {
            var problems = new Problems();
            var reason = problems.Text(body.Reason?.Trim(), "reason", 200);
            problems.Check(!string.IsNullOrEmpty(reason), "reason", "is required");
            return problems.Any ? problems.ToRefusal() : await DecideAsync(site, SitePath.Segment(http, "bin"), reason, tx);
        })).WithTags("Topology").WithSummary("Lock a bin against receiving and picking").Accepts<LockBody>("application/json").Produces<BinView>();
        api.Post("/sites/{code}/bins/{bin}/unlock", http => SitePath.RunAsync<BinView>(http, node,
            (site, tx) => DecideAsync(site, SitePath.Segment(http, "bin"), null, tx))).WithTags("Topology").WithSummary("Unlock a bin").Produces<BinView>();
    }

    /// <param name="reason">Null to unlock.</param>
    public static async ValueTask<Outcome<BinView>> DecideAsync(string site, string bin, string? reason, LaneTransaction tx)
    {
        Refusal unknown = Refusal.NotFound("bin_not_found", $"{site} has no bin {bin}");
        if (!CodeRule.TryNormalize(bin, out var code)) return unknown;
        if (code == StockBook.Staging) return Refusal.Conflict("bin_built_in", "staging cannot be locked: picked units stand there");
        if (!(await BinBook.PlacesAsync(tx, site, [code])).TryGetValue(code, out var place)) return unknown;
        if (!place.Stored && reason is not null || place.Stored && (place.Locked != reason is not null || place.LockReason != reason))
            await WriteAsync(site, place, reason, tx);
        return await ReadTopology.FindBinAsync(tx, site, code) is { } view ? Outcome<BinView>.AlreadyDone(view) : unknown;
    }

    private static async ValueTask WriteAsync(string site, BinPlace place, string? reason, LaneTransaction tx)
    {
        await BinBook.EnsureDefaultsAsync(tx, site);
        var change = await MarkAsync(site, place, reason, tx);
        if (reason is null) tx.Append(Lane.Site(site), new BinUnlocked(place.Code), $"bin/{site}/{place.Code}");
        else tx.Append(Lane.Site(site), new BinLocked(place.Code, reason), $"bin/{site}/{place.Code}");
        if (change.Pickable != place.Pickable) await BinStock.FollowAsync(tx, site, [change], reason is null ? "bin_unlocked" : "bin_locked");
    }

    /// <summary>Writes the bin's row.</summary>
    internal static async ValueTask<BinChange> MarkAsync(string site, BinPlace place, string? reason, LaneTransaction tx)
    {
        var available = await tx.FindAsync<bool?>("SELECT available FROM bins WHERE site = @site AND code = @code", new { site, code = place.Code }) ?? true;
        var change = new BinChange(place.Code, BinOrder.IsPickable(available, reason is not null, place.ZoneType), place.BinOrder);
        await tx.WriteAsync("""
            UPDATE bins SET locked = @locked, lock_reason = @reason, pickable = @pickable, updated_at = @now WHERE site = @site AND code = @code
            """, new { site, code = place.Code, locked = reason is not null, reason, pickable = change.Pickable, now = tx.Now });
        return change;
    }
}
