using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.People;
using Stowline.Store;

namespace Stowline.Site.Production;

public sealed record ErpStatusBody { public string? Status { get; init; } }
public sealed record AssignTicketBody { public string? Worker { get; init; } }
public sealed record TicketPriorityBody { public Priority? Priority { get; init; } }

/// <summary>What a kitchen screen begins with: the stages, and the tickets that are on it.</summary>
public sealed record KitchenNow(IReadOnlyList<TicketStage> Stages, IReadOnlyList<TicketView> Tickets)
{
    private const int MaxShown = 500;

    public static async Task<KitchenNow> ReadAsync(SqlSession session, string site)
    {
        var times = await StageTimes.LoadAsync(session, site);
        var rows = await session.QueryAsync<TicketRow>($"SELECT {TicketRow.Columns} FROM tickets WHERE site = @site AND status = @active ORDER BY id LIMIT @limit",
            new { site, active = TicketStatus.Active, limit = MaxShown });
        return new KitchenNow(times.Stages, [.. rows.OrderByDescending(r => r.Priority).ThenBy(r => r.SlotStart).Select(r => Production.Tickets.View(r, times))]);
    }
}

/// <summary>The endpoints of tickets (K4, H10).</summary>
internal static class TicketEndpoints
{
    public static void Map(IEndpointRouteBuilder api, Node node)
    {
        var tickets = api.MapGroup("/tickets").WithTags("Production");
        tickets.Get("", http => ListAsync(http, node)).WithSummary("Tickets, oldest first").Pages<TicketView>()
            .Reads("site", "Only at this site.").Reads("status", "Only in this state.", typeof(TicketStatus)).Reads("order", "Only of this order, by id, number or channel:external_id.")
            .Reads("worker", "Only of this worker.").Reads("station", "Only open ones with an item that this station has still to do.");
        tickets.MapGet("/{key}", (HttpContext http, string key) => GetAsync(http, node.Database, key)).WithSummary("One ticket by id or number").Produces<TicketView>();
        tickets.MapPost("/{key}/bump", (HttpContext http, string key) => TaskInput.RunAsync<BumpBody, TicketView>(http, node, Tickets.Table, key, Tickets.NotFound,
            (site, id, body, tx) => MoveTickets.BumpAsync(site, id, body.Stage, tx), optionalBody: true)).WithSummary("Move a ticket on, to the next stage or a later one").Takes<BumpBody>(optional: true).Produces<TicketView>();
        tickets.MapPost("/{key}/recall", (HttpContext http, string key) => TaskInput.RunAsync(http, node, Tickets.Table, key, Tickets.NotFound, MoveTickets.RecallAsync))
            .WithSummary("Undo the last bump").Produces<TicketView>();
        tickets.MapPost("/{key}/items/{item}/bump", (HttpContext http, string key, string item) => TaskInput.RunAsync(http, node, Tickets.Table, key, Tickets.NotFound,
            (site, id, tx) => BumpItem.DecideAsync(site, id, int.TryParse(item, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 0, tx)))
            .WithSummary("A station is done with an item").Produces<TicketView>();
        tickets.MapPost("/{key}/assign", (HttpContext http, string key) => TaskInput.RunAsync<AssignTicketBody, TicketView>(http, node, Tickets.Table, key, Tickets.NotFound,
            (site, id, body, tx) => AssignAsync(site, id, body.Worker, tx))).WithSummary("A worker takes a ticket").Takes<AssignTicketBody>().Produces<TicketView>();
        tickets.MapPost("/{key}/priority", (HttpContext http, string key) => TaskInput.RunAsync<TicketPriorityBody, TicketView>(http, node, Tickets.Table, key, Tickets.NotFound,
            (site, id, body, tx) => PrioritizeAsync(site, id, body.Priority, tx))).WithSummary("Change how urgent a ticket is").Takes<TicketPriorityBody>().Produces<TicketView>();
        tickets.MapPost("/{key}/cancel", (HttpContext http, string key) => TaskInput.RunAsync<CancelTicketBody, TicketView>(http, node, Tickets.Table, key, Tickets.NotFound,
            (site, id, body, tx) => CancelTicket.DecideAsync(site, id, body.Reason, tx))).WithSummary("Give a ticket up; its slot is free again").Takes<CancelTicketBody>().Produces<TicketView>();
        api.MapPut("/erp/orders/{id}/status", (HttpContext http, string id) => ErpAsync(http, node, id))
            .WithTags("Production").WithSummary("Set the stage of an order's ticket by its name, as the old kitchen screens do").Accepts<ErpStatusBody>("application/json").Produces<TicketView>();
    }

    private sealed record Key { public Guid Id { get; init; } public string Site { get; init; } = ""; }

    /// <summary>Source 4: a cook's screen names the order, by id or number. One stage back is a recall. Where several tickets are made for an order, the first that is open is meant.</summary>
    private static async Task ErpAsync(HttpContext http, Node node, string text)
    {
        var isId = Guid.TryParse(text, out var order);
        var isNumber = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        var found = !isId && !isNumber ? null : await node.Database.ReadAsync(async s => isId
            ? await s.FindAsync<Key>("SELECT id, site FROM tickets WHERE order_id = @order ORDER BY CASE WHEN status < 3 THEN 0 ELSE 1 END, part LIMIT 1", new { order })
            : await s.FindAsync<Key>("SELECT id, site FROM tickets WHERE order_number = @number ORDER BY CASE WHEN status < 3 THEN 0 ELSE 1 END, part LIMIT 1", new { number }), http.RequestAborted);
        if (found is null) { await Answers.WriteAsync(http, Refusal.NotFound("order_not_found", $"no ticket is made for order {text}")); return; }
        await Commands.RunAsync<ErpStatusBody, TicketView>(http, node.Lanes, Lane.Site(found.Site), async (body, tx) =>
        {
            if (string.IsNullOrWhiteSpace(body.Status)) return Refusal.Invalid("status", "is required");
            if (body.Status == "cancelled") return await CancelTicket.DecideAsync(found.Site, found.Id, "cancelled at the screen", tx);
            var ticket = await Tickets.FindAsync(tx, found.Site, found.Id);
            return ticket!.BeforeStage == body.Status ? await MoveTickets.RecallAsync(found.Site, found.Id, tx) : await MoveTickets.BumpAsync(found.Site, found.Id, body.Status, tx);
        });
    }

    private static async ValueTask<Outcome<TicketView>> AssignAsync(string site, Guid id, string? worker, LaneTransaction tx)
    {
        var problems = new Problems();
        var given = problems.Required(worker, "worker", 64);
        if (problems.Any) return problems.ToRefusal();
        var (name, isActive) = await WorkerBook.WhoAsync(tx, site, given);
        if (await Tickets.FindAsync(tx, site, id) is not { } ticket) return Tickets.NotFound(id.ToString());
        if (ticket.Worker == name) return Outcome<TicketView>.AlreadyDone(await Tickets.ShowAsync(tx, ticket));
        if (ticket.Status is TicketStatus.Done or TicketStatus.Cancelled) return Transitions.Refuse("ticket", ticket.Number, SnakeCaseEnum<TicketStatus>.Text(ticket.Status), "be taken", []);
        if (!isActive) return WorkerBook.Inactive(name);
        await tx.WriteAsync("UPDATE tickets SET worker = @name WHERE id = @id", new { id, name });
        tx.Append(Lane.Site(site), new TicketAssigned(ticket.Id, ticket.Number, ticket.OrderId, ticket.Part, name), ticket.Subject, ticket.OrderId);
        return await Tickets.ShowAsync(tx, ticket with { Worker = name });
    }

    private static async ValueTask<Outcome<TicketView>> PrioritizeAsync(string site, Guid id, Priority? priority, LaneTransaction tx)
    {
        if (priority is not { } wished) return Refusal.Invalid("priority", "is required: " + SnakeCaseEnum<Priority>.Choices);
        if (await Tickets.FindAsync(tx, site, id) is not { } ticket) return Tickets.NotFound(id.ToString());
        if (ticket.Priority == wished) return Outcome<TicketView>.AlreadyDone(await Tickets.ShowAsync(tx, ticket));
        await tx.WriteAsync("UPDATE tickets SET priority = @wished WHERE id = @id", new { id, wished });
        tx.Append(Lane.Site(site), new TicketChanged(ticket.OrderId, ticket.Part, wished, null), ticket.Subject, ticket.OrderId);
        return await Tickets.ShowAsync(tx, ticket with { Priority = wished });
    }

    private static async Task GetAsync(HttpContext http, Database database, string key)
    {
        if (await TaskInput.FindAsync(database, Tickets.Table, key, http.RequestAborted) is not { } found) { await Answers.WriteAsync(http, Tickets.NotFound(key)); return; }
        var view = await database.ReadAsync(async s =>
            Tickets.View((await s.FindAsync<TicketRow>($"SELECT {TicketRow.Columns} FROM tickets WHERE id = @id", new { id = found.Id }))!, await StageTimes.LoadAsync(s, found.Site)), http.RequestAborted);
        await Answers.WriteAsync(http, (Outcome<TicketView>)view);
    }

    private static async Task ListAsync(HttpContext http, Node node)
    {
        var filter = await TaskFilter.ReadAsync<TicketStatus>(http, node, withWorker: true);
        if (filter.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var (f, station) = (filter.Value, Requests.Query(http, "station"));
        if (station is not null) f = f.And(Tickets.AtStation) with { Arguments = f.Arguments with { Station = Tickets.StationPattern(station) } };
        var page = await node.Database.ReadAsync(async s =>
        {
            var rows = await s.QueryAsync<TicketRow>($"SELECT {TicketRow.Columns} FROM tickets {f.Where} ORDER BY id LIMIT @Take", f.Arguments);
            var (kept, next) = f.Cut(rows, r => r.Id);
            var times = new Dictionary<string, StageTimes>(StringComparer.Ordinal);
            var shown = new List<TicketView>();
            foreach (var row in kept)
            {
                if (!times.TryGetValue(row.Site, out var own)) times[row.Site] = own = await StageTimes.LoadAsync(s, row.Site);
                var view = Tickets.View(row, own);
                if (station is null || view.Items.Any(i => i.Station == station && !i.Done)) shown.Add(view);
            }
            // SQLite does not tell small letters from large ones, and old rows do not know their stations; then a page may be shorter than asked for.
            return new Page<TicketView>(shown, next);
        }, http.RequestAborted);
        await Answers.WriteAsync<Page<TicketView>>(http, page);
    }
}
