using Stowline.Contracts;
using Stowline.Hub.Promising;
using Stowline.Hub.Routing;
using Stowline.Hub.Transfers;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// Gives what a site had to do to others, after it was given up: orders first, then transfers, a bounded number in each step, because there may be very many. How far it is it keeps in memory only:
/// begun anew, it finds the same done already.
/// </summary>
internal sealed class GiveUpSweep(Node node, RoutingBook routing, Signal begun) : Pump
{
    /// <summary>Parts that are looked through in one step; most of a site's are over.</summary>
    /// <summary>Why a site is asked to take a part off that was given to somebody else.</summary>
    public const string Cause = "given_up";

    private const int Rows = 1_000;
    private const int MostOrders = 50;
    private const int MostTransfers = 50;
    /// <summary>By the site and when it was given up: another process may have ended this sweep, and the site may have been taken back and given up again since.</summary>
    private readonly Dictionary<(string Site, DateTimeOffset At), (Guid Order, int Part)> _after = [];

    public override string Name => "sites given up";
    public override TimeSpan Idle => TimeSpan.FromSeconds(10);
    public override Signal Wake => begun;

    private sealed record PartAt { public Guid OrderId { get; init; } public int Part { get; init; } public OrderStatus Status { get; init; } }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (!node.Lanes.GivenUp.Values.Contains(GiveUpState.Leaving) || !node.Lanes.Duty.IsOurs || node.Lanes.IsInRepair(Lane.Hub)) return false;
        var all = await node.Database.ReadAsync(GivenUpSites.AllAsync, ct);
        return all.FirstOrDefault(g => g.State == GiveUpState.Leaving) is { } leaving && await StepAsync(leaving, ct);
    }

    private async Task<bool> StepAsync(GivenUpSite given, CancellationToken ct)
    {
        var page = await node.Database.ReadAsync(s => PartsAsync(s, given.Site, _after.GetValueOrDefault((given.Site, given.GivenUpAt))), ct);
        if (page.Count > 0)
        {
            var (orders, last) = Open(page);
            if (orders.Count > 0 && !await DoAsync(given, tx => PartsAsync(given, orders, tx))) return false;
            _after[(given.Site, given.GivenUpAt)] = last;
            return true;
        }
        var transfers = await node.Database.ReadAsync(async s => await GivenUpTransfers.FindAsync(s, given.Site, MostTransfers), ct);
        if (!await DoAsync(given, tx => transfers.Count > 0 ? GivenUpTransfers.LeaveAsync(tx, given, transfers) : EndAsync(tx, given.Site))) return false;
        if (transfers.Count == 0) _after.Remove((given.Site, given.GivenUpAt));
        return true;
    }

    /// <summary>False when it could not be done now: the queue is full or the node stops, and the next round finds the same again.</summary>
    private async Task<bool> DoAsync(GivenUpSite given, Func<LaneTransaction, ValueTask> act) => (await node.Lanes.ExecuteAsConsumerAsync<Done>(Lane.Hub, new Caller(given.Actor), async tx =>
    {
        await act(tx);
        return new Done();
    })).Outcome.IsOk;

    private static async Task<IReadOnlyList<PartAt>> PartsAsync(SqlSession session, string site, (Guid Order, int Part) after) => await session.QueryAsync<PartAt>($"""
        SELECT order_id, part, status FROM order_parts WHERE site = @site AND (order_id, part) > (@order, @part) ORDER BY order_id, part LIMIT {Rows}
        """, new { site, order = after.Order, part = after.Part });

    /// <summary>The orders of a page with open parts, as many as one step takes, and how far the page is looked through by that.</summary>
    private static (List<Guid> Orders, (Guid, int) Last) Open(IReadOnlyList<PartAt> page)
    {
        var orders = new List<Guid>();
        foreach (var part in page)
        {
            if (!OrderLifecycle.IsOpen(part.Status)) continue;
            if (orders.Count == 0 || orders[^1] != part.OrderId) orders.Add(part.OrderId);
            if (orders.Count == MostOrders) return (orders, (part.OrderId, part.Part));
        }
        return (orders, (page[^1].OrderId, page[^1].Part));
    }

    private async ValueTask EndAsync(LaneTransaction tx, string site)
    {
        if (await GivenUpSites.FindAsync(tx, site) is { State: GiveUpState.Leaving } given) await GivenUpSites.SaveAsync(tx, node.Lanes, given with { State = GiveUpState.Gone });
    }

    private async ValueTask PartsAsync(GivenUpSite given, IReadOnlyList<Guid> ids, LaneTransaction tx)
    {
        var now = await routing.NowAsync(tx);
        var orders = await OrderRows.LoadAsync(tx, ids);
        foreach (var id in ids)
        {
            if (!orders.TryGetValue(id, out var entry)) continue;
            foreach (var part in entry.Parts.FindAll(p => p.Site == given.Site && OrderLifecycle.IsOpen(p.Status))) await LeaveAsync(tx, given, entry.Order, entry.Parts, part, now);
            await OrderRows.SaveAsync(tx, [entry]);
        }
    }

    /// <summary>Takes a part from the site without its word. Should the site be there, it hears that the part is somebody else's.</summary>
    private static async ValueTask LeaveAsync(LaneTransaction tx, GivenUpSite given, OrderRow order, List<PartRow> parts, PartRow part, RoutingNow now)
    {
        var (why, subject) = ($"{given.Site} was given up: {given.Reason}", order.Id.ToString());
        part.Changed = true;
        if (part.Made)
        {
            // Nobody else can make it: a ticket is for its site.
            tx.Append(Lane.HubTo(given.Site), new TicketCancelRequested(order.Id, part.Part, why), subject, order.Id);
            await SlotBook.ReleaseAsync(tx, order.Id, part.Part);
            part.Status = OrderStatus.Cancelled;
            return;
        }
        tx.Append(Lane.HubTo(given.Site), new PartCancelRequested(order.Id, part.Part, Cause, why), subject, order.Id);
        await Allotments.ReleaseAsync(tx, given.Site, part.Lines);
        part.Status = order.Cancelling ? OrderStatus.Cancelled : OrderStatus.Short;
        if (!order.Cancelling) await Rerouting.RouteAsync(tx, order, parts, part, part.Lines, why, now, tx.Caller);
    }
}
