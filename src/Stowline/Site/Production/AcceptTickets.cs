using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Production;

/// <summary>Takes a run of ordered tickets: one read for repeats, one insert, one settlement of what they will use up. The same ticket twice changes nothing.</summary>
internal static class AcceptTickets
{
    public static async ValueTask RunAsync(LaneTransaction tx, string site, IReadOnlyList<EventRecord> events)
    {
        var read = events.Select(e => (Event: e, Order: e.Read<TicketOrdered>())).ToList();
        var known = new HashSet<(Guid, int)>();
        await tx.SelectAsync("SELECT order_id, part FROM tickets WHERE order_id = k.order_id AND part = k.part", read.Count,
            [Column.From("order_id", read, r => r.Order.OrderId), Column.From("part", read, r => r.Order.Part)], row => known.Add((row.GetGuid(0), row.GetInt32(1))));
        var fresh = read.FindAll(r => known.Add((r.Order.OrderId, r.Order.Part)));
        if (fresh.Count == 0) return;
        var first = (await ProductionPlans.StagesAsync(tx.Group.Session, site))[0];
        var number = await tx.NextNumbersAsync("ticket", Lane.Site(site), fresh.Count);
        var made = fresh.ConvertAll(f => (f.Event, f.Order, Row: Make(tx, site, f.Order, first, number++)));
        await InsertAsync(tx, made.ConvertAll(m => m.Row));
        foreach (var (e, _, row) in made)
        {
            var caller = new Caller(e.Actor, e.Trace);
            if (row.Status == TicketStatus.Waiting) tx.Append(Lane.Site(site), new TicketReceived(row.Facts), row.Subject, row.OrderId, caller);
            else tx.Append(Lane.Site(site), new TicketShown(row.Facts), row.Subject, row.OrderId, caller);
        }
        await Ingredients.NeedAsync(tx, site, fresh.SelectMany(f => f.Order.Items).SelectMany(i => i.Uses), +1);
    }

    private static TicketRow Make(LaneTransaction tx, string site, TicketOrdered o, TicketStage first, long number) => new()
    {
        Id = tx.NewId(), Number = number, Site = site, OrderId = o.OrderId, Part = o.Part, OrderNumber = o.OrderNumber, DisplayId = o.DisplayId, Channel = o.Channel, ExternalId = o.ExternalId,
        Status = o.VisibleAt <= tx.Now ? TicketStatus.Active : TicketStatus.Waiting, Stage = first.Name, Phase = first.Phase, Priority = o.Priority, OnHold = o.OnHold,
        Items = System.Text.Json.JsonSerializer.Serialize([.. o.Items], ContractsJson.Default.ListTicketItem), SlotStart = o.SlotStart, SlotEnd = o.SlotEnd, VisibleAt = o.VisibleAt,
        Note = o.Note, CreatedAt = tx.Now, StageAt = tx.Now,
    };

    private static ValueTask InsertAsync(LaneTransaction tx, List<TicketRow> rows) => tx.InsertAsync("tickets", rows.Count,
        Column.From("id", rows, r => r.Id), Column.From("number", rows, r => r.Number), Column.From("site", rows, r => r.Site), Column.From("order_id", rows, r => r.OrderId),
        Column.From("part", rows, r => r.Part), Column.From("order_number", rows, r => r.OrderNumber), Column.From("display_id", rows, r => r.DisplayId),
        Column.From("channel", rows, r => r.Channel), Column.From("external_id", rows, r => r.ExternalId), Column.From("status", rows, r => (int)r.Status),
        Column.From("stage", rows, r => r.Stage), Column.From("phase", rows, r => (int)r.Phase), Column.From("priority", rows, r => (int)r.Priority),
        Column.From("on_hold", rows, r => r.OnHold), Column.From("items", rows, r => r.Items), Column.From("done_items", rows, r => r.DoneItems),
        Column.From("open_stations", rows, r => Tickets.OpenStations(r.ItemList, r.DoneSet)), Column.From("used", rows, r => r.Used),
        Column.From("slot_start", rows, r => r.SlotStart), Column.From("slot_end", rows, r => r.SlotEnd), Column.From("visible_at", rows, r => r.VisibleAt),
        Column.From("note", rows, r => r.Note), Column.From("created_at", rows, r => r.CreatedAt), Column.From("stage_at", rows, r => r.StageAt));
}

/// <summary>Reads what the hub tells the site about what is to be made, and does it in the site's lane, in the lane's order.</summary>
internal sealed class TicketConsumer(string site) : Consumer
{
    public override string Name => "production";
    public override Lane Target(Lane source) => Lane.Site(site);

    public override bool Wants(string type) => type == TicketOrdered.Type || type == TicketCancelRequested.Type || type == PartHeld.Type || type == PartReleased.Type
                                               || type == PartPriorityChanged.Type || type == StagesPreset.Type;

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        for (var i = 0; i < events.Count;)
        {
            var run = i;
            while (run < events.Count && events[run].Type == TicketOrdered.Type) run++;
            if (run > i)
            {
                await AcceptTickets.RunAsync(tx, site, [.. events.Skip(i).Take(run - i)]);
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
        var caller = new Caller(e.Actor, e.Trace);
        if (e.Type == TicketCancelRequested.Type) await CancelTicket.AskedAsync(tx, site, e.Read<TicketCancelRequested>(), caller);
        else if (e.Type == PartHeld.Type) await ChangeAsync(tx, e.Read<PartHeld>() is var h ? (h.OrderId, h.Part) : default, null, true, caller);
        else if (e.Type == PartReleased.Type) await ChangeAsync(tx, e.Read<PartReleased>() is var r ? (r.OrderId, r.Part) : default, null, false, caller);
        else if (e.Type == StagesPreset.Type) await ProductionPlans.BeginAsync(tx, site, e.Read<StagesPreset>().Preset);
        else if (e.Type == PartPriorityChanged.Type && e.Read<PartPriorityChanged>() is var p) await ChangeAsync(tx, (p.OrderId, p.Part), p.Priority, null, caller);
    }

    /// <summary>Of parts that are picked from stock there is no ticket, and nothing happens.</summary>
    private async ValueTask ChangeAsync(LaneTransaction tx, (Guid OrderId, int Part) part, Priority? priority, bool? onHold, Caller caller)
    {
        if (await Tickets.FindByPartAsync(tx, part.OrderId, part.Part) is not { } ticket) return;
        await tx.WriteAsync("UPDATE tickets SET priority = @priority, on_hold = @onHold WHERE id = @id",
            new { id = ticket.Id, priority = priority ?? ticket.Priority, onHold = onHold ?? ticket.OnHold });
        tx.Append(Lane.Site(site), new TicketChanged(part.OrderId, part.Part, priority, onHold), ticket.Subject, ticket.OrderId, caller);
    }
}

/// <summary>
/// Puts tickets on the screen when their time has come. Looks once a second at the least, and sleeps no longer than until the next one is due.
/// </summary>
internal sealed class TicketRelease(Node node) : Pump
{
    private const int Together = 200;
    private TimeSpan _idle = TimeSpan.FromSeconds(1);

    public override string Name => "ticket release";
    public override TimeSpan Idle => _idle;

    private sealed record Due { public Guid Id { get; init; } public string Site { get; init; } = ""; public DateTimeOffset VisibleAt { get; init; } }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var now = node.Time.GetUtcNow();
        var due = await node.Database.ReadAsync(async s => await s.QueryAsync<Due>(
            $"SELECT id, site, visible_at FROM tickets WHERE status = @waiting{node.AndOwn("site")} ORDER BY visible_at LIMIT @limit", new { waiting = TicketStatus.Waiting, limit = Together }), ct);
        var ready = due.Where(d => d.VisibleAt <= now).ToList();
        var next = due.FirstOrDefault(d => d.VisibleAt > now)?.VisibleAt - now;
        _idle = next is { } wait && wait < TimeSpan.FromSeconds(1) ? wait + TimeSpan.FromMilliseconds(1) : TimeSpan.FromSeconds(1);
        foreach (var site in ready.GroupBy(d => d.Site, StringComparer.Ordinal))
            await node.Lanes.ExecuteAsync<Done>(Lane.Site(site.Key), Caller.System, tx => ShowAsync(tx, site.Key, [.. site.Select(d => d.Id)]), render: null, hops: 0, ct);
        return ready.Count > 0;
    }

    private static async ValueTask<Outcome<Done>> ShowAsync(LaneTransaction tx, string site, Guid[] ids)
    {
        foreach (var id in ids)
        {
            // Another process may have been first, and the order may have been cancelled meanwhile.
            if (await Tickets.FindAsync(tx, site, id) is not { } ticket || TicketLifecycle.Check(ticket.Status, TicketAction.Show) != Fulfillment.Transition.Go) continue;
            await tx.WriteAsync("UPDATE tickets SET status = @active, stage_at = @now WHERE id = @id", new { id, active = TicketStatus.Active, now = tx.Now });
            tx.Append(Lane.Site(site), new TicketShown(ticket.Facts), ticket.Subject, ticket.OrderId);
        }
        return new Done();
    }
}
