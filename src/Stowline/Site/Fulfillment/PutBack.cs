using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>Where a put-back task stands. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<PutBackStatus>))]
public enum PutBackStatus { Pending = 1, Completed = 2 }

/// <summary>Picked units of a part that was given back, waiting in staging. Each line names the bin it came from; quantities in units.</summary>
public sealed record PutBackTask(
    Guid Id, long Number, Guid OrderId, int Part, string Site, PutBackStatus Status, DateTimeOffset CreatedAt, DateTimeOffset? CompletedAt,
    IReadOnlyList<StockUnits> Lines);

/// <summary>Into which bin; without one, each line goes back to the bin it came from.</summary>
public sealed record CompletePutBackBody { public string? Bin { get; init; } }

/// <summary>
/// Puts the picked units of a cancelled part back into bins. Until then they are withdrawn; with it they are granted again. Completing again changes nothing.
/// Refusals: <c>put_back_task_not_found</c>, <c>bin_not_found</c>.
/// </summary>
public static class PutBack
{
    private const string Columns = "id, number, site, order_id, part, status, lines, created_at, completed_at";

    private sealed record Row
    {
        public Guid Id { get; init; }
        public long Number { get; init; }
        public string Site { get; init; } = "";
        public Guid OrderId { get; init; }
        public int Part { get; init; }
        public PutBackStatus Status { get; init; }
        public string Lines { get; init; } = "[]";
        public DateTimeOffset CreatedAt { get; init; }
        public DateTimeOffset? CompletedAt { get; init; }

        public IReadOnlyList<StockUnits> Units => JsonSerializer.Deserialize(Lines, FulfillmentJson.Default.ListStockUnits) ?? [];
        public PutBackTask Shown => new(Id, Number, OrderId, Part, Site, Status, CreatedAt, CompletedAt, Units);
    }

    internal static async ValueTask<Guid> CreateAsync(LaneTransaction tx, LoadedPicking picking, Guid? known = null)
    {
        var from = picking.Task;
        var id = known ?? tx.NewId();
        List<StockUnits> units = [.. picking.Items.Where(i => i.QuantityPicked > 0).Select(i => new StockUnits(i.Sku, i.Bin, i.LotOrNull, i.QuantityPicked))];
        await tx.WriteAsync("""
            INSERT INTO put_back_tasks (id, number, site, order_id, part, status, lines, created_at)
            VALUES (@id, @number, @site, @orderId, @part, @status, @lines, @now)
            """, new
            {
                id, number = await tx.NextNumberAsync("put_back", Lane.Site(from.Site)), site = from.Site, orderId = from.OrderId, part = from.Part,
                status = PutBackStatus.Pending, lines = JsonSerializer.Serialize(units, FulfillmentJson.Default.ListStockUnits), now = tx.Now,
            });
        return id;
    }

    public static async ValueTask<Outcome<PutBackTask>> DecideAsync(string site, Guid taskId, string? bin, LaneTransaction tx)
    {
        var problems = new Problems();
        var target = bin is null ? null : problems.Code(bin, "bin");
        if (problems.Any) return problems.ToRefusal();
        var task = await tx.FindAsync<Row>($"SELECT {Columns} FROM put_back_tasks WHERE id = @taskId AND site = @site", new { taskId, site });
        if (task is null) return NotFound(taskId.ToString());
        if (task.Status == PutBackStatus.Completed) return Outcome<PutBackTask>.AlreadyDone(task.Shown);
        string[] bins = target is null ? [.. task.Units.Select(u => u.Bin).Distinct(StringComparer.Ordinal)] : [target];
        var known = await Topology.BinBook.PlacesAsync(tx, site, bins);
        if (bins.FirstOrDefault(b => !known.ContainsKey(b)) is { } unknown) return Refusal.NotFound("bin_not_found", $"there is no bin {unknown} at {site}");
        if (target == StockBook.Staging) return Refusal.Conflict("bin_not_usable", "the units stand in STAGING already; name a bin to put them into");

        var reference = $"put-back {task.Number}";
        var movements = await StockBook.PutBackAsync(tx, site,
            [.. task.Units.Select(u => (u with { Bin = StockBook.Staging }, target ?? u.Bin))], reference);
        await tx.WriteAsync("UPDATE put_back_tasks SET status = @status, completed_at = @now WHERE id = @taskId",
            new { taskId, now = tx.Now, status = PutBackStatus.Completed });
        var balances = await StockBook.SettleAsync(tx, site, [.. task.Units.Select(u => u.Sku).Distinct(StringComparer.Ordinal)]);
        tx.Append(Lane.Site(site), new StockMoved(reference, movements, balances), FulfillmentOrders.Subject(task.OrderId), task.OrderId);
        return (task with { Status = PutBackStatus.Completed, CompletedAt = tx.Now }).Shown;
    }

    /// <summary>The tasks of an order that wait to be done.</summary>
    public static async Task<IReadOnlyList<Guid>> PendingOfAsync(SqlSession session, string site, Guid orderId) => await session.QueryAsync<Guid>(
        "SELECT id FROM put_back_tasks WHERE site = @site AND status = @status AND order_id = @orderId ORDER BY id", new { site, orderId, status = PutBackStatus.Pending });

    /// <summary>The units of an order were put back.</summary>
    internal static ValueTask MarkDoneAsync(LaneTransaction tx, Guid orderId, DateTimeOffset at) => tx.WriteAsync(
        "UPDATE put_back_tasks SET status = @done, completed_at = @at WHERE order_id = @orderId AND status = @pending",
        new { orderId, at, done = PutBackStatus.Completed, pending = PutBackStatus.Pending });

    private static Refusal NotFound(string key) => Refusal.NotFound("put_back_task_not_found", $"there is no put-back task {key}");

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        var tasks = api.MapGroup("/put-back-tasks").WithTags("Put-back");
        tasks.Get("", http => TaskFilter.AnswerAsync<PutBackStatus, Row, PutBackTask>(http, node, $"SELECT {Columns} FROM put_back_tasks", r => r.Shown, r => r.Id))
            .WithSummary("Put-back tasks, oldest first").Pages<PutBackTask>()
            .Reads("site", "Only at this site.").Reads("status", "Only in this state.", typeof(PutBackStatus))
            .Reads("order", "Only of this order, by id, number or channel:external_id.");
        tasks.MapGet("/{key}", (HttpContext http, string key) => GetAsync(http, node.Database, key)).WithSummary("One put-back task by id or number").Produces<PutBackTask>();
        tasks.MapPost("/{key}/complete", (HttpContext http, string key) => TaskInput.RunAsync<CompletePutBackBody, PutBackTask>(http, node, "put_back_tasks", key, NotFound,
            (site, id, body, tx) => DecideAsync(site, id, body.Bin, tx), optionalBody: true))
            .WithSummary("Put the units back into bins").Takes<CompletePutBackBody>(optional: true).Produces<PutBackTask>();
    }

    private static async Task GetAsync(HttpContext http, Database database, string key)
    {
        if (await TaskInput.FindAsync(database, "put_back_tasks", key, http.RequestAborted) is not { } found) { await Answers.WriteAsync(http, NotFound(key)); return; }
        var task = await database.ReadAsync(async session => await session.FindAsync<Row>($"SELECT {Columns} FROM put_back_tasks WHERE id = @id", new { id = found.Id }),
            http.RequestAborted);
        await Answers.WriteAsync<PutBackTask>(http, task!.Shown);
    }
}
