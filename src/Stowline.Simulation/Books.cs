using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Transfers;
using Stowline.Site.StockTasks;
using Stowline.Store;

namespace Stowline.Simulation;

/// <summary>A SKU in a bin.</summary>
internal sealed record StockRowView
{
    public string Sku { get; init; } = "";
    public string Bin { get; init; } = "";
    public string? Lot { get; init; }
    public long OnHand { get; init; }
    public long Damaged { get; init; }
    public long Available { get; init; }
}

/// <summary>The counters of a SKU, as the site keeps them or as the hub sees them.</summary>
internal sealed record CounterRow
{
    public string Sku { get; init; } = "";
    public int Epoch { get; init; }
    public long Granted { get; init; }
    public long Consumed { get; init; }
    public long Withdrawn { get; init; }
    public long Returned { get; init; }
    public long OnHand { get; init; }
    public long Damaged { get; init; }

    /// <summary>The hub's own; 0 at a site.</summary>
    public long Promised { get; init; }
    public long Released { get; init; }
    public long Unheard { get; init; }

    /// <summary>The last epoch of which nothing counts at the hub any more; 0 at a site.</summary>
    public int ClosedEpoch { get; init; }

    public long Disputed { get; init; }
}

/// <summary>Anything that must be the same on two nodes.</summary>
internal sealed record SameRow
{
    public string What { get; init; } = "";
    public long A { get; init; }
    public long B { get; init; }
}

/// <summary>A part of an order: at the hub, or as its site keeps it.</summary>
internal sealed record PartOfOrder
{
    public Guid OrderId { get; init; }
    public int Part { get; init; }
    public string? Site { get; init; }
    public int Status { get; init; }
    public string Lines { get; init; } = "[]";
}

/// <summary>What makes a person's data readable.</summary>
internal sealed record PersonsKey
{
    public Guid PersonId { get; init; }
    public byte[]? Key { get; init; }
    public byte[]? ErasedKey { get; init; }
}

/// <summary>An order as it ended.</summary>
internal sealed record OrderEnd
{
    public Guid Id { get; init; }
    public string ExternalId { get; init; } = "";
    public int Status { get; init; }
}

/// <summary>What the hub has told of an order of which more is under way than was ordered.</summary>
internal sealed record DoubledUnits(Guid OrderId, bool IsTwin);

/// <summary>Units of one lot that a site has shipped to another.</summary>
internal sealed record SentRow
{
    public Guid OrderId { get; init; }
    public long Number { get; init; }
    public string Sku { get; init; } = "";
    public string? Lot { get; init; }
    public long Units { get; init; }
}

/// <summary>Units of a transfer that a site has taken in.</summary>
internal sealed record ArrivedRow
{
    public long Number { get; init; }
    public string Sku { get; init; } = "";
    public long Units { get; init; }
}

/// <summary>A SKU of a transfer, as the hub knows it.</summary>
internal sealed record TransferLine
{
    public Guid Id { get; init; }
    public long Number { get; init; }
    public string FromSite { get; init; } = "";
    public string ToSite { get; init; } = "";
    public TransferStatus Status { get; init; }
    public string Sku { get; init; } = "";
    public long Requested { get; init; }
    public long Short { get; init; }
    public long Shipped { get; init; }
    public long Received { get; init; }
}

/// <summary>
/// What the simulator reads of the nodes' tables, of all modules, and never writes: it compares books with books, so it must not ask those who keep them.
/// </summary>
internal static class Books
{
    public static async Task<IReadOnlyList<StockRowView>> StockAsync(SqlSession session, string site) => await session.QueryAsync<StockRowView>("""
        SELECT sku, bin, NULLIF(lot, '') AS lot, on_hand, damaged, on_hand - reserved - damaged - blocked AS available FROM stock WHERE site = @site ORDER BY sku, bin, stock.lot
        """, new { site });

    public static ValueTask<IReadOnlyList<CounterRow>> AtSiteAsync(SqlSession session) => session.QueryAsync<CounterRow>(
        "SELECT sku, epoch, granted, consumed, withdrawn, returned, on_hand, damaged, disputed FROM site_skus ORDER BY sku");

    public static ValueTask<IReadOnlyList<CounterRow>> AtHubAsync(SqlSession session, string site) => session.QueryAsync<CounterRow>("""
        SELECT sku, epoch, granted, consumed, withdrawn, returned, on_hand, damaged, disputed, promised, released, unheard, closed_epoch FROM allotments WHERE site = @site ORDER BY sku
        """, new { site });

    /// <summary>What is free of SKUs at sites, by the keys <c>sku</c> and <c>site</c>.</summary>
    public const string FreeOf = "SELECT a.sku, a.site, a.granted - a.withdrawn - a.returned - a.promised + a.released FROM allotments a WHERE a.sku = k.sku AND a.site = k.site";

    /// <summary>Whether an update promises units. What brings promises back after a restore, or says what has left all the same, does not: it may leave less than nothing free.</summary>
    public static bool IsPromise(string table, string set) => table == "allotments" && set == "promised = allotments.promised + k.units";

    /// <summary>Per bin what the site has, or what the hub's copy says that it has.</summary>
    public static ValueTask<IReadOnlyList<SameRow>> BinsAsync(SqlSession session, string site, bool copy) => session.QueryAsync<SameRow>(
        $"SELECT sku || '/' || bin || '/' || lot AS what, on_hand AS a, damaged AS b FROM {(copy ? "stock_copies" : "stock")} WHERE site = @site AND on_hand > 0 ORDER BY 1", new { site });

    /// <summary>Tasks with their state and items with their units; both nodes keep them in the same tables.</summary>
    public static async Task<IReadOnlyList<SameRow>> TasksAsync(SqlSession session, string site) => await session.QueryAsync<SameRow>("""
        SELECT 'picking ' || id AS what, number AS a, status AS b FROM picking_tasks WHERE site = @site
        UNION ALL SELECT 'packing ' || id, number, status FROM packing_tasks WHERE site = @site
        UNION ALL SELECT 'item ' || i.task_id || '/' || i.item, i.quantity_required, i.quantity_picked FROM picking_items i JOIN picking_tasks t ON t.id = i.task_id WHERE t.site = @site
        UNION ALL SELECT 'stock task ' || id, number, status FROM stock_tasks WHERE site = @site
        UNION ALL SELECT 'line ' || task_id || '/' || line || ' ' || status, round, COALESCE(counted, -1) FROM stock_task_lines WHERE site = @site
        UNION ALL SELECT 'count settings', COALESCE(every_days, 0), recount_units FROM count_settings WHERE site = @site
        ORDER BY 1
        """, new { site });

    public static ValueTask<IReadOnlyList<OrderEnd>> OrdersAsync(SqlSession session) => session.QueryAsync<OrderEnd>("SELECT id, external_id, status FROM orders ORDER BY id");

    public static ValueTask<IReadOnlyList<PartOfOrder>> PartsAtHubAsync(SqlSession session) => session.QueryAsync<PartOfOrder>(
        "SELECT order_id, part, site, status, lines FROM order_parts ORDER BY order_id, part");

    public static ValueTask<IReadOnlyList<PartOfOrder>> PartsAtSiteAsync(SqlSession session) => session.QueryAsync<PartOfOrder>(
        "SELECT order_id, part, site, status, live AS lines FROM fulfillment_orders ORDER BY order_id, part");

    public static async Task<IReadOnlyList<DoubledUnits>> DoubledAsync(SqlSession session) =>
        [.. (await session.QueryAsync<byte[]>("SELECT payload FROM events WHERE type = 'order.doubled'")).Select(p => JsonSerializer.Deserialize(p, Log.EventJson.Info<Contracts.OrderDoubled>())!)
            .Select(d => new DoubledUnits(d.OrderId, d.Other is not null))];

    /// <summary>The keys of persons, by whom they belong to, and the hashes of those that were erased.</summary>
    public static ValueTask<IReadOnlyList<PersonsKey>> KeysAsync(SqlSession session) => session.QueryAsync<PersonsKey>("SELECT person_id, key, erased_key FROM people ORDER BY person_id");

    /// <summary>All parts of orders that a node was ever told of with something personal in them, also in old ends of lanes.</summary>
    public static async Task<IReadOnlyList<Contracts.PartAssigned>> SealedAsync(SqlSession session) =>
        [.. (await session.QueryAsync<byte[]>("SELECT payload FROM events WHERE type = 'part.assigned' UNION ALL SELECT payload FROM history_events WHERE type = 'part.assigned'"))
            .Select(p => JsonSerializer.Deserialize(p, Log.EventJson.Info<Contracts.PartAssigned>())!).Where(p => p.Personal is not null)];

    /// <summary>Units that came in, per reference.</summary>
    public static async Task<IReadOnlyList<SameRow>> ReceivedAsync(SqlSession session) => await session.QueryAsync<SameRow>(
        "SELECT reference AS what, SUM(quantity) AS a, COUNT(*) AS b FROM movements WHERE kind = @kind GROUP BY reference ORDER BY 1", new { kind = (int)MovementKind.Receiving });

    // ---- between the sites

    /// <summary>What parts of transfers have shipped.</summary>
    public static async Task<IReadOnlyList<SentRow>> SentAsync(SqlSession session) => await session.QueryAsync<SentRow>("""
        SELECT s.order_id, f.order_number AS number, m.sku, NULLIF(m.lot, '') AS lot, SUM(m.quantity) AS units
        FROM fulfillment_orders f JOIN shipments s ON s.order_id = f.order_id AND s.part = f.part JOIN movements m ON m.site = s.site AND m.kind = @kind AND m.reference = 'shipment ' || s.number
        WHERE f.channel = 'transfer' GROUP BY s.number, s.order_id, f.order_number, m.sku, m.lot ORDER BY s.number, m.sku, m.lot
        """, new { kind = (int)MovementKind.Shipping });

    public static async Task<IReadOnlyList<ArrivedRow>> ArrivedAsync(SqlSession session) => await session.QueryAsync<ArrivedRow>(
        "SELECT number, sku, SUM(received) AS units FROM transfer_arrival_lines GROUP BY number, sku HAVING SUM(received) > 0 ORDER BY number, sku");

    /// <summary>The numbers of transfers of which a site has said that no more will come, or has all.</summary>
    public static async Task<IReadOnlyList<long>> EndedAsync(SqlSession session) => await session.QueryAsync<long>("SELECT number FROM transfer_arrivals WHERE complete");

    /// <summary>Where a transfer goes, as its sending site was told; null where what it was told is not in the lane any more.</summary>
    public static async Task<string?> DestinationAsync(SqlSession session, Guid id) =>
        (await session.QueryAsync<byte[]>("SELECT payload FROM events WHERE order_id = @id AND type = 'part.assigned' ORDER BY position", new { id }))
            .Select(p => JsonSerializer.Deserialize(p, Log.EventJson.Info<PartAssigned>())!.Transfer?.To).FirstOrDefault(to => to is not null);

    /// <summary>The same by the hub's books.</summary>
    public static async Task<string?> DestinationAtHubAsync(SqlSession session, Guid id) => await session.FindAsync<string>("SELECT to_site FROM transfers WHERE id = @id", new { id });

    /// <summary>The numbers of transfers that are on their way to a site by the hub's books.</summary>
    public static async Task<IReadOnlyList<long>> OnTheWayAsync(SqlSession session, string site) => await session.QueryAsync<long>(
        "SELECT number FROM transfers WHERE to_site = @site AND status = @status ORDER BY number", new { site, status = TransferStatus.InTransit });

    public static async Task<IReadOnlyList<TransferLine>> TransferLinesAsync(SqlSession session) => await session.QueryAsync<TransferLine>("""
        SELECT t.id, t.number, t.from_site, t.to_site, t.status, l.sku, l.requested, l.short, l.shipped, l.received
        FROM transfers t JOIN transfer_lines l ON l.transfer_id = t.id ORDER BY t.number, l.sku
        """);

    // ---- what waits for somebody, and what must not

    /// <summary>Stock tasks that are not done, oldest first.</summary>
    public static async Task<IReadOnlyList<Guid>> StockTasksAsync(SqlSession session, string site) => await session.QueryAsync<Guid>(
        "SELECT id FROM stock_tasks WHERE site = @site AND status IN (@pending, @assigned, @started) ORDER BY id LIMIT 50",
        new { site, pending = StockTaskStatus.Pending, assigned = StockTaskStatus.Assigned, started = StockTaskStatus.InProgress });

    /// <summary>Rows that expired before a day and were not set aside.</summary>
    public static async Task<IReadOnlyList<SameRow>> ExpiredAsync(SqlSession session, DateOnly today) => await session.QueryAsync<SameRow>("""
        SELECT sku || '/' || bin || '/' || lot AS what, on_hand AS a, reserved AS b FROM stock
        WHERE stock.expires_on < @day AND on_hand > reserved + damaged + blocked AND bin <> 'STAGING' ORDER BY 1
        """, new { day = today });

    /// <summary>Whether a SKU that is free is kept for another channel, all or some of it.</summary>
    public static async Task<bool> IsKeptAsync(SqlSession session, string channel, string sku, long units) => await session.FindAsync<long?>("""
        SELECT 1 FROM allotments WHERE sku = @sku AND EXISTS (SELECT 1 FROM pools WHERE channel <> @channel AND pools.sku IN (@sku, '*'))
        GROUP BY allotments.sku HAVING SUM(MAX(0, granted - withdrawn - returned - promised + released)) >= @units
        """, new { channel, sku, units }) is not null;

    /// <summary>What is expected though nothing is on its way, or counted as promised to a channel though nothing of its orders is open.</summary>
    public static async Task<string?> LeftOverAsync(SqlSession session) => await session.FindAsync<string?>("""
        SELECT site || ' expects ' || incoming || ' ' || sku || ', and nothing is on its way' FROM allotments WHERE incoming <> 0
        UNION ALL SELECT units || ' ' || sku || ' are counted as promised to ' || channel || ', and none of its orders is open' FROM pool_promises WHERE units <> 0 LIMIT 1
        """);
}
