using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Promising;

/// <summary>Promises from allotments and of capacity, and virtual stock.</summary>
internal sealed class PromisingModule : Module
{
    public PromisingModule()
    {
        HttpJson.Add(PromisingJson.Default);
        HttpJson.Add(SlotJson.Default);
    }

    public override string Name => "promising";

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        Availability.Map(api, node);
        Policies.Map(api, node);
        SlotPlans.Map(api, node);
    }

    public override bool Recovers(string type) => type == PolicyChanged.Type || type == AllotmentReturned.Type || type == EpochAnswered.Type;

    public override async ValueTask RecoverAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events.Where(e => e.Lane == Lane.HubTo(site)))
        {
            if (e.Type == PolicyChanged.Type && e.Read<PolicyChanged>() is var policy)
                await Policies.WriteAsync(new PolicyView(site, policy.Sku, policy.SafetyStock, policy.LocalSharePercent), e.At, tx);
            else if (e.Type == AllotmentReturned.Type) await Allotments.RecoverReturnAsync(tx, site, e.Read<AllotmentReturned>());
        }
    }

    public override IEnumerable<string> Settles(EventRecord e) => e.Type == PolicyChanged.Type ? ["policy/" + e.Read<PolicyChanged>().Sku] : [];

    public override IEnumerable<(string Check, Func<SqlSession, Task<string?>> Run)> Checks(Node node)
    {
        yield return ("counters", async session => await session.FindAsync<string>("""
            SELECT 'the counters of ' || sku || ' at ' || site || ' cannot be right' FROM allotments
            WHERE granted < 0 OR consumed < 0 OR withdrawn < 0 OR promised < 0 OR released < 0 OR returned < 0
               OR released + consumed > promised OR on_hand < 0 OR disputed < 0 OR unheard < 0 LIMIT 1
            """));
        foreach (var check in SlotPlans.Checks) yield return check;
        // Negative free means a shortage; it is honest only as far as the site has reported losses, or has opened an epoch without having heard of all promises.
        yield return ("promises", async session => await session.FindAsync<string>("""
            SELECT 'over-promised: ' || sku || ' at ' || site FROM allotments
            WHERE granted - returned - promised + released + unheard < 0 LIMIT 1
            """));
        // Of an epoch that the hub has closed nothing is left to be promised.
        yield return ("closed_epochs", async session => await session.FindAsync<string>("""
            SELECT sku || ' at ' || site || ' can be promised, but its epoch is closed' FROM allotments
            WHERE epoch <= closed_epoch AND granted - withdrawn - returned - promised + released > 0 LIMIT 1
            """));
    }
}
