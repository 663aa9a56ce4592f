using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// Reads what the hub tells the site about parts of orders (<c>hub/{site}</c>) and does it in the site's lane. Runs of assigned parts are taken as sets, all else
/// one by one; the lane's order is kept, so a part that is assigned and cancelled in one batch is first here and then gone.
/// </summary>
internal sealed class PartConsumer(string site) : Consumer
{
    public override string Name => "fulfillment";

    public override Lane Target(Lane source) => Lane.Site(site);

    public override bool Wants(string type) => type == PartAssigned.Type || type == PartCancelRequested.Type || type == PartHeld.Type || type == PartReleased.Type
                                               || type == PartPriorityChanged.Type;

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        for (var i = 0; i < events.Count;)
        {
            var run = i;
            while (run < events.Count && events[run].Type == PartAssigned.Type) run++;
            if (run > i)
            {
                await AcceptParts.RunAsync(tx, site, i == 0 && run == events.Count ? events : [.. events.Skip(i).Take(run - i)]);
                i = run;
            }
            else
            {
                await OneAsync(tx, events[i++]);
            }
        }
    }

    private async ValueTask OneAsync(LaneTransaction tx, EventRecord e)
    {
        if (e.Type == PartCancelRequested.Type)
        {
            await CancelPart.RunAsync(tx, site, e);
        }
        else if (e.Type == PartHeld.Type)
        {
            var held = e.Read<PartHeld>();
            await HoldPart.HoldAsync(tx, held.OrderId, held.Part, onHold: true);
        }
        else if (e.Type == PartReleased.Type)
        {
            var released = e.Read<PartReleased>();
            await HoldPart.HoldAsync(tx, released.OrderId, released.Part, onHold: false);
        }
        else if (e.Type == PartPriorityChanged.Type)
        {
            var changed = e.Read<PartPriorityChanged>();
            await HoldPart.PrioritizeAsync(tx, changed.OrderId, changed.Part, changed.Priority);
        }
    }
}
