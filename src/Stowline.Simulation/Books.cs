using System.Text.Json;
using Stowline.Store;

namespace Stowline.Simulation;

/// <summary>A SKU in a bin.</summary>
internal sealed record StockRowView
{
    public string Sku { get; init; } = "";
    public string Bin { get; init; } = "";
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
    public byte[] Key { get; init; } = [];
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

/// <summary>
/// What the simulator reads of the nodes' tables, of all modules, and never writes: it compares books with books, so it must not ask those who keep them.
/// </summary>
internal static class Books
{
    public static async Task<IReadOnlyList<StockRowView>> StockAsync(SqlSession session, string site) => await session.QueryAsync<StockRowView>("""
        SELECT sku, bin, on_hand, damaged, on_hand - reserved - damaged - blocked AS available FROM stock WHERE site = @site ORDER BY sku, bin
        """, new { site });

    public static ValueTask<IReadOnlyList<CounterRow>> AtSiteAsync(SqlSession session) => session.QueryAsync<CounterRow>(
        "SELECT sku, epoch, granted, consumed, withdrawn, returned, on_hand, damaged, disputed FROM site_skus ORDER BY sku");

    public static ValueTask<IReadOnlyList<CounterRow>> AtHubAsync(SqlSession session, string site) => session.QueryAsync<CounterRow>("""
        SELECT sku, epoch, granted, consumed, withdrawn, returned, on_hand, damaged, disputed, promised, released, unheard FROM allotments WHERE site = @site ORDER BY sku
        """, new { site });

    /// <summary>Per bin what the site has, or what the hub's copy says that it has.</summary>
    public static ValueTask<IReadOnlyList<SameRow>> BinsAsync(SqlSession session, string site, bool copy) => session.QueryAsync<SameRow>(
        $"SELECT sku || '/' || bin || '/' || lot AS what, on_hand AS a, damaged AS b FROM {(copy ? "stock_copies" : "stock")} WHERE site = @site AND on_hand > 0 ORDER BY 1", new { site });

    /// <summary>Tasks with their state and items with their units; both nodes keep them in the same tables.</summary>
    public static async Task<IReadOnlyList<SameRow>> TasksAsync(SqlSession session, string site) => await session.QueryAsync<SameRow>("""
        SELECT 'picking ' || id AS what, number AS a, status AS b FROM picking_tasks WHERE site = @site
        UNION ALL SELECT 'packing ' || id, number, status FROM packing_tasks WHERE site = @site
        UNION ALL SELECT 'item ' || i.task_id || '/' || i.item, i.quantity_required, i.quantity_picked FROM picking_items i JOIN picking_tasks t ON t.id = i.task_id WHERE t.site = @site
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

    /// <summary>The keys of persons, by whom they belong to.</summary>
    public static ValueTask<IReadOnlyList<PersonsKey>> KeysAsync(SqlSession session) => session.QueryAsync<PersonsKey>("SELECT person_id, key FROM people WHERE key IS NOT NULL ORDER BY person_id");

    /// <summary>Units that came in, per reference.</summary>
    public static ValueTask<IReadOnlyList<SameRow>> ReceivedAsync(SqlSession session) => session.QueryAsync<SameRow>(
        "SELECT reference AS what, SUM(quantity) AS a, COUNT(*) AS b FROM movements WHERE kind = @kind GROUP BY reference ORDER BY 1", new { kind = (int)Contracts.MovementKind.Receiving });
}
