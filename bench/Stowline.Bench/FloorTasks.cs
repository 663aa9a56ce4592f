using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Bench;

/// <summary>The floor's rows of a site: the part, its picking task, three items, the reservations, one event per order.</summary>
internal static class FloorTasks
{
    internal sealed record Rows(Column[] Parts, Column[] Tasks, Column[] Items, Column[] Events, int Count, int ItemCount);

    public static async Task PrepareAsync(SqlSession session, string[] skus)
    {
        var n = skus.Length;
        await session.InsertAsync("stock", n, Column.Same("site", n, "WH1"), Column.Of("sku", skus), Column.Same("bin", n, "RECEIVING"), Column.Same("lot", n, ""),
            Column.Same("on_hand", n, 1_000_000_000L), Column.Same("reserved", n, 0L), Column.Same("damaged", n, 0L), Column.Same("blocked", n, 0L),
            Column.Same("pickable", n, true), Column.Same("bin_order", n, "receiving"), Column.Same("received_at", n, DateTimeOffset.UnixEpoch));
        await session.InsertAsync("site_skus", n, Column.Same("site", n, "WH1"), Column.Of("sku", skus), Column.Same("epoch", n, 1), Column.Same("granted", n, 1_000_000_000L),
            Column.Same("consumed", n, 0L), Column.Same("withdrawn", n, 0L), Column.Same("returned", n, 0L), Column.Same("on_hand", n, 1_000_000_000L),
            Column.Same("reserved", n, 0L), Column.Same("damaged", n, 0L), Column.Same("unusable", n, 0L));
        await session.ExecuteAsync("""
            INSERT INTO lanes (id, name, scope, ordinal, incarnation, head_position, head_hash, opened_at) VALUES (4, 'site/WH1', 'site/WH1', 1, 1, 0, @hash, @now)
            """, new { hash = new byte[32], now = DateTimeOffset.UnixEpoch });
        await session.ExecuteAsync("INSERT INTO cursors (consumer, lane_id, position) VALUES ('floor', 3, 0)");
    }

    public static async Task WriteAsync(SqlSession session, Rows rows, string[] skus, long[] units, long number)
    {
        await session.ExecuteAsync("UPDATE lanes SET head_position = head_position WHERE name = 'site/WH1'");
        await session.UpdateAsync("stock", "reserved = stock.reserved + k.units", skus.Length, [Column.Same("site", skus.Length, "WH1"), Column.Of("sku", skus)], Column.Of("units", units));
        await session.UpdateAsync("site_skus", "reserved = site_skus.reserved + k.units", skus.Length,
            [Column.Same("site", skus.Length, "WH1"), Column.Of("sku", skus)], Column.Of("units", units));
        await session.InsertAsync("fulfillment_orders", rows.Count, rows.Parts);
        await session.InsertAsync("picking_tasks", rows.Count, rows.Tasks);
        await session.InsertAsync("picking_items", rows.ItemCount, rows.Items);
        await session.InsertAsync("events", rows.Count, rows.Events);
        await session.WriteAsync("INSERT INTO event_groups (lane_id, first_position, count, incarnation, hash) VALUES (4, @first, @count, 1, @hash)",
            new { first = number * 1_000, count = rows.Count, hash = new byte[32] });
        await session.WriteAsync("UPDATE lanes SET head_position = @number, head_hash = @hash WHERE id = 4", new { number, hash = new byte[32] });
        await session.WriteAsync("UPDATE cursors SET position = @number WHERE consumer = 'floor'", new { number });
        await session.WriteAsync("INSERT INTO lane_sequences (lane_id, kind, last) VALUES (4, 'picking', @number) ON CONFLICT (lane_id, kind) DO UPDATE SET last = excluded.last",
            new { number });
    }

    public static Rows Make(AcceptOrder[] orders, int before, byte[][] personal, IdSource ids, int groupNumber, DateTimeOffset now)
    {
        var n = orders.Length;
        var tasks = orders.Select(_ => ids.Next()).ToArray();
        var lines = orders.Select(o => JsonSerializer.Serialize([.. o.Needs], ContractsJson.Default.ListSkuUnits)).ToArray();
        var numbers = Enumerable.Range(0, n).Select(i => 10_000_000_000L + before + i).ToArray();
        var items = orders.SelectMany((o, i) => o.Needs.Select((need, item) => (Task: tasks[i], Item: item + 1, need.Sku, need.Quantity))).ToArray();
        var events = orders.Select((o, i) => JsonSerializer.SerializeToUtf8Bytes(new PickingCreated(tasks[i], numbers[i], o.Id, 1,
            [.. o.Needs.Select((need, item) => new PickingItemPlanned(item + 1, need.Sku, "RECEIVING", null, need.Quantity))]), EventJson.Info<PickingCreated>())).ToArray();
        return new Rows(
        [
            Column.From("order_id", orders, o => o.Id), Column.Same("part", n, 1), Column.Same("site", n, "WH1"), Column.Of("order_number", numbers),
            Column.From("channel", orders, o => o.Channel), Column.From("external_id", orders, o => o.ExternalId), Column.Same("fulfillment_type", n, "ship"),
            Column.Same("priority", n, 2), Column.Same("status", n, 2), Column.Of("lines", lines), Column.Of("live", lines),
            Column.From("person_id", orders, o => o.PersonId), Column.Of("personal", personal), Column.Same("on_hold", n, false), Column.Same("created_at", n, now),
        ],
        [
            Column.Of("id", tasks), Column.Of("number", numbers), Column.Same("site", n, "WH1"), Column.From("order_id", orders, o => o.Id), Column.Same("part", n, 1),
            Column.Of("order_number", numbers), Column.Same("status", n, 1), Column.Same("priority", n, 2), Column.From("total_items", orders, o => o.Needs.Length),
            Column.Same("picked_items", n, 0), Column.Same("on_hold", n, false), Column.Same("created_at", n, now),
        ],
        [
            Column.From("task_id", items, i => i.Task), Column.From("item", items, i => i.Item), Column.From("sequence", items, i => i.Item),
            Column.From("sku", items, i => i.Sku), Column.Same("bin", items.Length, "RECEIVING"), Column.Same("lot", items.Length, ""),
            Column.From("quantity_required", items, i => i.Quantity), Column.Same("quantity_picked", items.Length, 0), Column.Same("status", items.Length, 1),
        ],
        [
            Column.Same("lane_id", n, 4), Column.Of("position", Enumerable.Range(0, n).Select(i => groupNumber * 1_000L + i).ToArray()),
            Column.Of("id", orders.Select(_ => ids.Next()).ToArray()), Column.Same("type", n, PickingCreated.Type), Column.From("subject", orders, o => o.Id.ToString()),
            Column.From("order_id", orders, o => (Guid?)o.Id), Column.Same("at", n, now), Column.Same("actor", n, "bench"),
            Column.Same<string?>("trace", n, null), Column.Of("payload", events),
        ], n, items.Length);
    }
}
