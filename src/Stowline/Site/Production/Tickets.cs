using System.Text.Json;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Store;

namespace Stowline.Site.Production;

/// <summary>A ticket's row.</summary>
public sealed record TicketRow
{
    internal const string Columns = """
        id, number, site, order_id, part, order_number, display_id, channel, external_id, status, stage, phase, before_stage, priority, on_hold, worker, items, done_items, used,
        slot_start, slot_end, visible_at, note, created_at, stage_at, ended_at
        """;

    public Guid Id { get; init; }
    public long Number { get; init; }
    public string Site { get; init; } = "";
    public Guid OrderId { get; init; }
    public int Part { get; init; }
    public long OrderNumber { get; init; }
    public string DisplayId { get; init; } = "";
    public string Channel { get; init; } = "";
    public string ExternalId { get; init; } = "";
    public TicketStatus Status { get; init; }
    public string Stage { get; init; } = "";
    public TicketPhase Phase { get; init; }
    public string? BeforeStage { get; init; }
    public Priority Priority { get; init; }
    public bool OnHold { get; init; }
    public string? Worker { get; init; }
    public string Items { get; init; } = "[]";
    public string DoneItems { get; init; } = "[]";
    /// <summary>Whether its ingredients have been used up: a recall does not bring them back, and a second bump does not take them again.</summary>
    public bool Used { get; init; }
    public DateTimeOffset? SlotStart { get; init; }
    public DateTimeOffset? SlotEnd { get; init; }
    public DateTimeOffset VisibleAt { get; init; }
    public string? Note { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset StageAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }

    internal string Subject => OrderId.ToString();
    internal List<TicketItem> ItemList => JsonSerializer.Deserialize(Items, ContractsJson.Default.ListTicketItem) ?? [];
    internal HashSet<int> DoneSet => [.. JsonSerializer.Deserialize(DoneItems, ProductionJson.Default.Int32Array) ?? []];

    internal TicketFacts Facts => new(Id, Number, OrderId, Part, OrderNumber, DisplayId, Stage, Phase, Priority, ItemList, SlotStart, SlotEnd, VisibleAt, Note);
}

/// <summary>A ticket as it is answered (K4, H10).</summary>
public sealed record TicketView
{
    public required Guid Id { get; init; }
    public required long Number { get; init; }
    public required string Site { get; init; }
    public required Guid OrderId { get; init; }
    public required long OrderNumber { get; init; }
    /// <summary>Four characters to call out over the counter.</summary>
    public required string DisplayId { get; init; }
    public required TicketStatus Status { get; init; }
    /// <summary>The site's own word for where it stands.</summary>
    public required string Stage { get; init; }
    public required TicketPhase Phase { get; init; }
    public required Priority Priority { get; init; }
    public required bool OnHold { get; init; }
    public string? Worker { get; init; }
    public required IReadOnlyList<TicketItemView> Items { get; init; }
    public DateTimeOffset? SlotStart { get; init; }
    public DateTimeOffset? SlotEnd { get; init; }
    public required DateTimeOffset VisibleAt { get; init; }
    /// <summary>From measured stage times; the slot's end where nothing has been measured yet.</summary>
    public DateTimeOffset? EstimatedReadyAt { get; init; }
    public string? Note { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset StageAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
}

public sealed record TicketItemView(int Item, string Sku, string Name, string? Size, int Quantity, string Station, IReadOnlyList<SkuUnits>? Extras, bool Done);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TicketView))]
[JsonSerializable(typeof(Page<TicketView>))]
[JsonSerializable(typeof(BumpBody))]
[JsonSerializable(typeof(ErpStatusBody))]
[JsonSerializable(typeof(AssignTicketBody))]
[JsonSerializable(typeof(TicketPriorityBody))]
[JsonSerializable(typeof(CancelTicketBody))]
[JsonSerializable(typeof(ProductionBody))]
[JsonSerializable(typeof(ProductionView))]
[JsonSerializable(typeof(StopBody))]
[JsonSerializable(typeof(StopView))]
[JsonSerializable(typeof(Page<StopView>))]
[JsonSerializable(typeof(KitchenNow))]
[JsonSerializable(typeof(List<TicketStage>))]
[JsonSerializable(typeof(int[]))]
internal sealed partial class ProductionJson : JsonSerializerContext;

/// <summary>What the slices on tickets share.</summary>
internal static class Tickets
{
    public const string Table = "tickets";

    public static Refusal NotFound(string key) => Refusal.NotFound("ticket_not_found", $"there is no ticket {key}");

    public static ValueTask<TicketRow?> FindAsync(LaneTransaction tx, string site, Guid id) =>
        tx.FindAsync<TicketRow>($"SELECT {TicketRow.Columns} FROM tickets WHERE id = @id AND site = @site", new { id, site });

    public static ValueTask<TicketRow?> FindByPartAsync(LaneTransaction tx, Guid orderId, int part) =>
        tx.FindAsync<TicketRow>($"SELECT {TicketRow.Columns} FROM tickets WHERE order_id = @orderId AND part = @part", new { orderId, part });

    /// <summary>The stations of the items that are not done, each between bars: what <see cref="AtStation"/> finds.</summary>
    public static string OpenStations(IEnumerable<TicketItem> items, IReadOnlySet<int> done)
    {
        var open = items.Where(i => !done.Contains(i.Item)).Select(i => i.Station).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        return open.Count == 0 ? "" : $"|{string.Join('|', open)}|";
    }

    /// <summary>The condition for tickets that are open and have an item for a station; and its argument.</summary>
    public const string AtStation = @"status < 3 AND (open_stations IS NULL OR open_stations LIKE @Station ESCAPE '\')";

    public static string StationPattern(string station) => $"%|{station.Replace(@"\", @"\\").Replace("%", @"\%").Replace("_", @"\_")}|%";

    public static TicketView View(TicketRow t, StageTimes times)
    {
        var done = t.DoneSet;
        return new TicketView
        {
            Id = t.Id, Number = t.Number, Site = t.Site, OrderId = t.OrderId, OrderNumber = t.OrderNumber, DisplayId = t.DisplayId, Status = t.Status, Stage = t.Stage, Phase = t.Phase,
            Priority = t.Priority, OnHold = t.OnHold, Worker = t.Worker, SlotStart = t.SlotStart, SlotEnd = t.SlotEnd, VisibleAt = t.VisibleAt, Note = t.Note, CreatedAt = t.CreatedAt,
            StageAt = t.StageAt, EndedAt = t.EndedAt, EstimatedReadyAt = times.ReadyAt(t),
            Items = [.. t.ItemList.Select(i => new TicketItemView(i.Item, i.Sku, i.Name, i.Size, i.Quantity, i.Station, i.Extras, done.Contains(i.Item)))],
        };
    }

    public static async ValueTask<TicketView> ShowAsync(LaneTransaction tx, TicketRow ticket) => View(ticket, await StageTimes.LoadAsync(tx.Group.Session, ticket.Site));
}

/// <summary>The stages of a site and how long tickets stay in each.</summary>
internal sealed class StageTimes(IReadOnlyList<TicketStage> stages)
{
    private readonly Dictionary<string, long> _meanMs = new(StringComparer.Ordinal);

    public IReadOnlyList<TicketStage> Stages => stages;

    public int IndexOf(string stage)
    {
        for (var i = 0; i < stages.Count; i++)
            if (stages[i].Name == stage) return i;
        return -1;
    }

    private sealed record MeanRow { public string Stage { get; init; } = ""; public long RecentMs { get; init; } }

    public static async ValueTask<StageTimes> LoadAsync(SqlSession session, string site)
    {
        var times = new StageTimes(await ProductionPlans.StagesAsync(session, site));
        foreach (var row in await session.QueryAsync<MeanRow>("SELECT stage, recent_ms FROM stage_times WHERE site = @site", new { site })) times._meanMs[row.Stage] = row.RecentMs;
        return times;
    }

    /// <summary>When it should be ready: what is left of its stage, and the mean of those before ready. Null once it is ready.</summary>
    public DateTimeOffset? ReadyAt(TicketRow ticket)
    {
        var at = IndexOf(ticket.Stage);
        if (at < 0 || ticket.Phase is TicketPhase.Ready or TicketPhase.Done || ticket.Status == TicketStatus.Cancelled) return null;
        var ahead = stages.Skip(at).TakeWhile(s => s.Phase is TicketPhase.Waiting or TicketPhase.Started or TicketPhase.Finishing).ToList();
        if (ahead.TrueForAll(s => !_meanMs.ContainsKey(s.Name))) return ticket.SlotEnd;
        var from = ticket.Status == TicketStatus.Waiting && ticket.VisibleAt > ticket.StageAt ? ticket.VisibleAt : ticket.StageAt;
        return from.AddMilliseconds(ahead.Sum(s => _meanMs.GetValueOrDefault(s.Name)));
    }

    /// <summary>Adds what tickets took. The recent mean moves an eighth of the way with each.</summary>
    public async ValueTask AddAsync(LaneTransaction tx, string site, IEnumerable<(string Stage, long Ms)> taken)
    {
        var rows = taken.GroupBy(t => t.Stage, StringComparer.Ordinal).Select(g =>
        {
            foreach (var (_, ms) in g) _meanMs[g.Key] = _meanMs.TryGetValue(g.Key, out var mean) ? mean + (ms - mean) / 8 : ms;
            return (Stage: g.Key, Count: g.LongCount(), Total: g.Sum(t => t.Ms));
        }).ToList();
        if (rows.Count == 0) return;
        await tx.UpsertAsync("stage_times", "site, stage", "tickets = stage_times.tickets + excluded.tickets, total_ms = stage_times.total_ms + excluded.total_ms, recent_ms = excluded.recent_ms",
            rows.Count, Column.Same("site", rows.Count, site), Column.From("stage", rows, r => r.Stage), Column.From("tickets", rows, r => r.Count),
            Column.From("total_ms", rows, r => r.Total), Column.From("recent_ms", rows, r => _meanMs[r.Stage]));
    }
}
