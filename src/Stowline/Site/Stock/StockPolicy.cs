using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Site.Stock;

/// <summary>
/// What the hub may say about a site's stock, applied to its books: how much the site keeps for itself, which units the hub gave back
/// after a recall, which epochs it has heard of, and that it takes the site back.
/// </summary>
internal sealed class StockPolicy : Consumer
{
    public override string Name => "stock-policy";
    public override Lane Target(Lane source) => Lane.Site(source.Name["hub/".Length..]);
    public override bool Wants(string type) => type == PolicyChanged.Type || type == AllotmentReturned.Type || type == EpochAnswered.Type || type == SiteTakenBack.Type;

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events)
        {
            var site = Target(e.Lane).Name["site/".Length..];
            if (e.Type == PolicyChanged.Type) await ApplyAsync(tx, site, e.Read<PolicyChanged>());
            else if (e.Type == EpochAnswered.Type) await OpenEpoch.AnsweredAsync(tx, site, e.Read<EpochAnswered>());
            else if (e.Type == SiteTakenBack.Type) await OpenEpoch.ResumeAsync(tx, site, e.Read<SiteTakenBack>());
            else await ApplyAsync(tx, site, e.Read<AllotmentReturned>());
        }
    }

    /// <summary>Raising what the site keeps is a recall, a request; lowering it grants the surplus at once.</summary>
    private static async ValueTask ApplyAsync(LaneTransaction tx, string site, PolicyChanged policy)
    {
        await tx.WriteAsync("""
            INSERT INTO stock_policies (site, sku, safety_stock, local_share_percent) VALUES (@site, @sku, @safety, @share)
            ON CONFLICT (site, sku) DO UPDATE SET safety_stock = excluded.safety_stock, local_share_percent = excluded.local_share_percent
            """, new { site, sku = policy.Sku, safety = (long)Math.Max(0, policy.SafetyStock), share = Math.Clamp(policy.LocalSharePercent, 0, 100) });
        IReadOnlyCollection<string> skus = policy.Sku == "*"
            ? await tx.QueryAsync<string>("""
                SELECT s.sku FROM site_skus s LEFT JOIN stock_policies p ON p.site = s.site AND p.sku = s.sku WHERE s.site = @site AND p.sku IS NULL
                """, new { site })
            : [policy.Sku];
        var settled = await RebalanceAsync(tx, site, skus, "policy");
        foreach (var books in settled.Where(b => b.Own < b.Keep && b.Held > 0))
            tx.Append(Lane.Site(site), new RecallRequested(books.Sku, books.Epoch, (int)Math.Min(int.MaxValue, Math.Min(books.Keep - books.Own, books.Held)), "policy"),
                $"stock/{site}/{books.Sku}");
    }

    /// <summary>The hub's word counts within the epoch, and the largest one: late and repeated arrivals are harmless.</summary>
    private static async ValueTask ApplyAsync(LaneTransaction tx, string site, AllotmentReturned back)
    {
        var args = new { site, sku = back.Sku, epoch = back.Epoch, returned = back.Returned };
        if (await tx.ExecuteAsync("UPDATE site_skus SET returned = @returned WHERE site = @site AND sku = @sku AND epoch = @epoch AND returned < @returned", args) == 0) return;
        await RebalanceAsync(tx, site, [back.Sku], "returned");
    }

    /// <summary>Settles SKUs and tells the hub the balances that changed by it. Answers all their books.</summary>
    internal static async ValueTask<IReadOnlyList<SkuBooks>> RebalanceAsync(LaneTransaction tx, string site, IReadOnlyCollection<string> skus, string cause)
    {
        var settled = await SkuTotals.SettleAsync(tx, site, skus);
        var changed = settled.Where(s => s.Changed).Select(s => s.Books.ToBalance()).ToList();
        if (changed.Count > 0)
            tx.Append(Lane.Site(site), new StockRebalanced(cause, changed), $"stock/{site}/{(changed.Count == 1 ? changed[0].Sku : cause)}");
        return [.. settled.Select(s => s.Books)];
    }
}
