using System.Text.Json;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Store;

namespace Stowline.Site.Production;

/// <summary>Where to: the next stage when not given.</summary>
public sealed record BumpBody : Http.IOptionalBody { public string? Stage { get; init; } }

/// <summary>
/// Moves tickets along their stages (K4). Bump: on, to the next stage or a later one; what is there already stays. Recall: undoes the last bump, once. Refusals: <c>ticket_not_found</c>,
/// <c>invalid_transition</c>, <c>order_on_hold</c>, <c>unknown_stage</c>. Set-based: many tickets in one command cost what one costs and a little.
/// </summary>
public static class MoveTickets
{
    private sealed record Move(TicketRow Ticket, TicketStage To, bool Recall)
    {
        public bool UsesUp { get; init; }
    }

    public static async ValueTask<Outcome<TicketView>> BumpAsync(string site, Guid id, string? stage, LaneTransaction tx)
    {
        var done = await RunAsync(site, [id], stage, recall: false, tx);
        return done.Refusal is { } no ? no : done.Existing ? Outcome<TicketView>.AlreadyDone(done.Value[0]) : done.Value[0];
    }

    public static async ValueTask<Outcome<TicketView>> RecallAsync(string site, Guid id, LaneTransaction tx) => (await RunAsync(site, [id], null, recall: true, tx)).Map(t => t[0]);

    /// <summary>Bumps many tickets by one stage each, or to one stage; all or none.</summary>
    public static ValueTask<Outcome<IReadOnlyList<TicketView>>> BumpAllAsync(string site, IReadOnlyList<Guid> ids, string? stage, LaneTransaction tx) => RunAsync(site, ids, stage, recall: false, tx);

    private static async ValueTask<Outcome<IReadOnlyList<TicketView>>> RunAsync(string site, IReadOnlyList<Guid> ids, string? stage, bool recall, LaneTransaction tx)
    {
        var times = await StageTimes.LoadAsync(tx.Group.Session, site);
        if (stage is not null && times.IndexOf(stage) < 0)
            return Refusal.Invalid("unknown_stage", "stage", "must be one of " + string.Join(", ", times.Stages.Select(s => s.Name)));
        var (moves, shown) = (new List<Move>(ids.Count), new List<TicketView>(ids.Count));
        foreach (var id in ids)
        {
            if (await Tickets.FindAsync(tx, site, id) is not { } ticket) return Tickets.NotFound(id.ToString());
            var move = recall ? Recall(ticket, times) : Bump(ticket, stage, times);
            if (move.Refusal is { } no) return no;
            if (move.Value is { } go) moves.Add(go);
            else shown.Add(Tickets.View(ticket, times));
        }
        if (moves.Count == 0) return Outcome<IReadOnlyList<TicketView>>.AlreadyDone(shown);
        shown.AddRange(await WriteAsync(tx, site, moves, times));
        return shown;
    }

    /// <summary>Null where the ticket is there already.</summary>
    private static Outcome<Move?> Bump(TicketRow ticket, string? stage, StageTimes times)
    {
        var from = times.IndexOf(ticket.Stage);
        if (stage == ticket.Stage && ticket.Status != TicketStatus.Cancelled) return (Move?)null;
        switch (TicketLifecycle.Check(ticket.Status, TicketAction.Bump))
        {
            case Transition.AlreadyThere when stage is null: return (Move?)null;
            case Transition.AlreadyThere or Transition.Wrong: return Refuse(ticket, "bump", times);
            case Transition.Go: break;
        }
        var to = stage is null ? from + 1 : times.IndexOf(stage);
        if (to <= from || to >= times.Stages.Count) return Refuse(ticket, stage is null ? "bump" : $"become {stage}", times);
        if (ticket.OnHold) return Transitions.OnHold("ticket", ticket.Number);
        // A stage that uses up ingredients counts also when it is leapt over.
        var uses = !ticket.Used && times.Stages.Take(to + 1).Any(s => s.Uses);
        return new Move(ticket, times.Stages[to], Recall: false) { UsesUp = uses };
    }

    private static Outcome<Move?> Recall(TicketRow ticket, StageTimes times)
    {
        if (TicketLifecycle.Check(ticket.Status, TicketAction.Recall) != Transition.Go || ticket.BeforeStage is null || times.IndexOf(ticket.BeforeStage) is not (>= 0 and var to))
            return Refuse(ticket, "recall", times);
        return new Move(ticket, times.Stages[to], Recall: true);
    }

    private static Refusal Refuse(TicketRow ticket, string action, StageTimes times) => Transitions.Refuse("ticket", ticket.Number, ticket.Status == TicketStatus.Cancelled ? "cancelled" : ticket.Stage, action,
        ticket.Status == TicketStatus.Cancelled ? [] : times.Stages.Skip(times.IndexOf(ticket.Stage) + 1).Select(s => s.Name).Concat(ticket.BeforeStage is null ? [] : ["recall"]));

    private static async ValueTask<IEnumerable<TicketView>> WriteAsync(LaneTransaction tx, string site, List<Move> moves, StageTimes times)
    {
        await times.AddAsync(tx, site, moves.Where(m => !m.Recall && m.Ticket.Status == TicketStatus.Active)
            .Select(m => (m.Ticket.Stage, (long)(tx.Now - m.Ticket.StageAt).TotalMilliseconds)));
        var after = moves.ConvertAll(m => (Move: m, Row: m.Ticket with
        {
            Stage = m.To.Name, Phase = m.To.Phase, Status = TicketLifecycle.Of(m.To.Phase), BeforeStage = m.Recall ? null : m.Ticket.Stage, StageAt = tx.Now,
            Used = m.Ticket.Used || m.UsesUp, EndedAt = m.To.Phase == TicketPhase.Done ? tx.Now : null,
        }));
        await tx.UpdateAsync("tickets", "stage = k.new_stage, phase = k.new_phase, status = k.new_status, before_stage = k.new_before, stage_at = k.new_at, used = k.new_used, ended_at = k.new_end",
            after.Count, [Column.From("id", after, a => a.Row.Id)],
            Column.From("new_stage", after, a => a.Row.Stage), Column.From("new_phase", after, a => (int)a.Row.Phase), Column.From("new_status", after, a => (int)a.Row.Status),
            Column.From("new_before", after, a => a.Row.BeforeStage), Column.From("new_at", after, a => a.Row.StageAt), Column.From("new_used", after, a => a.Row.Used),
            Column.From("new_end", after, a => a.Row.EndedAt));
        foreach (var (move, row) in after)
            tx.Append(Lane.Site(site), new TicketMoved(row.Id, row.Number, row.OrderId, row.Part, move.Ticket.Stage, row.Stage, row.Phase, move.Recall ? "recall" : "bump", times.ReadyAt(row)),
                row.Subject, row.OrderId);
        var cooked = moves.FindAll(m => m.UsesUp);
        if (cooked.Count > 0) await Ingredients.UseAsync(tx, site, cooked.ConvertAll(m => (m.Ticket.Number, m.Ticket.ItemList.SelectMany(i => i.Uses))));
        return after.Select(a => Tickets.View(a.Row, times));
    }
}

/// <summary>A station says that it is done with an item. When all items are done the ticket goes on to the first stage that is ready.</summary>
public static class BumpItem
{
    public static async ValueTask<Outcome<TicketView>> DecideAsync(string site, Guid id, int item, LaneTransaction tx)
    {
        if (await Tickets.FindAsync(tx, site, id) is not { } ticket) return Tickets.NotFound(id.ToString());
        var items = ticket.ItemList;
        if (items.Find(i => i.Item == item) is not { } found) return Refusal.NotFound("item_not_found", $"ticket {ticket.Number} has no item {item}");
        var done = ticket.DoneSet;
        if (done.Contains(item)) return Outcome<TicketView>.AlreadyDone(await Tickets.ShowAsync(tx, ticket));
        if (ticket.Status is TicketStatus.Done or TicketStatus.Cancelled)
            return Transitions.Refuse("ticket", ticket.Number, SnakeCaseEnum<TicketStatus>.Text(ticket.Status), "bump an item", []);
        if (ticket.OnHold) return Transitions.OnHold("ticket", ticket.Number);
        done.Add(item);
        var text = JsonSerializer.Serialize([.. done.Order()], ProductionJson.Default.Int32Array);
        await tx.WriteAsync("UPDATE tickets SET done_items = @text, open_stations = @stations WHERE id = @id", new { id, text, stations = Tickets.OpenStations(items, done) });
        tx.Append(Lane.Site(site), new TicketItemDone(ticket.Id, ticket.Number, ticket.OrderId, ticket.Part, item, found.Station), ticket.Subject, ticket.OrderId);
        var times = await StageTimes.LoadAsync(tx.Group.Session, site);
        var ready = times.Stages.FirstOrDefault(s => s.Phase == TicketPhase.Ready) ?? times.Stages[^1];
        if (done.Count == items.Count && times.IndexOf(ready.Name) > times.IndexOf(ticket.Stage)) return await MoveTickets.BumpAsync(site, id, ready.Name, tx);
        return Tickets.View(ticket with { DoneItems = text }, times);
    }
}

public sealed record CancelTicketBody : Http.IOptionalBody { public string? Reason { get; init; } }

/// <summary>The hub asks, or somebody at the screen gives up. What was handed over cannot be cancelled; what was cooked is used up all the same.</summary>
public static class CancelTicket
{
    internal static async ValueTask AskedAsync(LaneTransaction tx, string site, TicketCancelRequested asked, Caller caller)
    {
        if (await Tickets.FindByPartAsync(tx, asked.OrderId, asked.Part) is not { } ticket)
            throw new InvalidOperationException($"{site} never got part {asked.Part} of order {asked.OrderId}");
        switch (TicketLifecycle.Check(ticket.Status, TicketAction.Cancel))
        {
            case Transition.Go: await EndAsync(tx, ticket, asked.Reason, caller); break;
            case Transition.AlreadyThere: break; // the site has said so before
            case Transition.Wrong:
                tx.Append(Lane.Site(site), new TicketCancelRefused(asked.OrderId, asked.Part, "it has been handed over"), ticket.Subject, ticket.OrderId, caller);
                break;
        }
    }

    public static async ValueTask<Outcome<TicketView>> DecideAsync(string site, Guid id, string? reason, LaneTransaction tx)
    {
        var problems = new Problems();
        var why = problems.Required(reason, "reason", 500);
        if (problems.Any) return problems.ToRefusal();
        if (await Tickets.FindAsync(tx, site, id) is not { } ticket) return Tickets.NotFound(id.ToString());
        switch (TicketLifecycle.Check(ticket.Status, TicketAction.Cancel))
        {
            case Transition.AlreadyThere: return Outcome<TicketView>.AlreadyDone(await Tickets.ShowAsync(tx, ticket));
            case Transition.Wrong: return Transitions.Refuse("ticket", ticket.Number, ticket.Stage, "cancel", []);
            case Transition.Go: break;
        }
        await EndAsync(tx, ticket, why, null);
        return await Tickets.ShowAsync(tx, ticket with { Status = TicketStatus.Cancelled, EndedAt = tx.Now });
    }

    private static async ValueTask EndAsync(LaneTransaction tx, TicketRow ticket, string reason, Caller? caller)
    {
        await tx.WriteAsync("UPDATE tickets SET status = @cancelled, ended_at = @now WHERE id = @id", new { id = ticket.Id, cancelled = TicketStatus.Cancelled, now = tx.Now });
        tx.Append(Lane.Site(ticket.Site), new TicketCancelled(ticket.Id, ticket.Number, ticket.OrderId, ticket.Part, ticket.Stage, reason), ticket.Subject, ticket.OrderId, caller);
        if (!ticket.Used) await Ingredients.NeedAsync(tx, ticket.Site, ticket.ItemList.SelectMany(i => i.Uses), -1);
    }
}
