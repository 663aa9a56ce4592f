using System.Text.Json;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: what is archived is out of the way and still answers, and the log can still be verified. Method: a filled node, half of it archived.
public class ArchiveTests
{
    private const int Orders = 2_000;

    private sealed record Known
    {
        public Guid Id { get; init; }
        public long Number { get; init; }
        public string Channel { get; init; } = "";
        public string ExternalId { get; init; } = "";
        public OrderStatus Status { get; init; }
        public DateTimeOffset PlacedAt { get; init; }
    }

    private static async Task<(FilledNode Filled, Node Node, IReadOnlyList<Known> Orders, string Folder)> StartAsync(string store)
    {
        var filled = await FilledNode.MakeAsync(store, Orders);
        var node = await Node.OpenAsync(filled.Database);
        node.StuckRules = StuckRules.Parse("off").Rules!; // a year of open orders would be told while the events are counted
        node.Start();
        var orders = await node.Database.ReadAsync(async s => await s.QueryAsync<Known>("SELECT id, number, channel, external_id, status, placed_at FROM orders ORDER BY id"));
        return (filled, node, orders, Path.Combine(filled.Folder, "archive"));
    }

    private static async Task<(long Orders, long Events)> ArchiveAsync(Node node, string folder, DateTimeOffset before, Action<string>? at = null)
    {
        var (orders, events) = (0L, 0L);
        for (var (moved, next) = await ArchivedOrders.StepAsync(node, before, null, default); next is not null; (moved, next) = await ArchivedOrders.StepAsync(node, before, next, default))
            orders += moved;
        var archive = new LogArchive(node, folder, at);
        foreach (var lane in await node.Database.ReadAsync(async s => await LaneReader.LanesAsync(s)))
            while (await archive.StepAsync(lane.Name, before, default) is > 0 and var moved) events += moved;
        return (orders, events);
    }

    private static async Task VerifyAsync(Node node, string folder)
    {
        var report = await Verification.RunAsync(node);
        Assert.True(report.Ok, string.Join("; ", report.Checks.Where(c => c.Value != "ok").Select(c => $"{c.Key}: {c.Value}")));
        Assert.Equal((null, 0), await node.Database.ReadAsync(s => LogArchive.VerifyAsync(s, folder)));
    }

    private static Task<string> TellAsync(Node node, string order) => node.Database.ReadAsync(async s =>
        JsonSerializer.Serialize(await ReadOrders.FindAsync(s, order)) + JsonSerializer.Serialize(await Timeline.ReadAsync(s, (await ReadOrders.IdOfAsync(s, order))!.Value)));

    [Theory, EveryDatabase]
    public async Task An_archived_order_answers_as_before_and_cannot_be_changed(string store)
    {
        var (filled, node, orders, folder) = await StartAsync(store);
        await using var _f = filled;
        await using var _n = node;
        var closed = orders.First(o => o.Status == OrderStatus.Shipped);
        var before = await TellAsync(node, closed.Id.ToString());

        var (moved, events) = await ArchiveAsync(node, folder, orders[Orders / 2].PlacedAt);

        Assert.Equal(orders.Take(Orders / 2).Count(o => o.Status is OrderStatus.Shipped or OrderStatus.Delivered or OrderStatus.Cancelled), moved);
        Assert.True(events > Orders);
        Assert.Equal(0, await node.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT COUNT(*) FROM orders WHERE id = @Id", new { closed.Id })));
        foreach (var name in new[] { closed.Id.ToString(), closed.Number.ToString(System.Globalization.CultureInfo.InvariantCulture), $"{closed.Channel}:{closed.ExternalId}" })
            Assert.Equal(before, await TellAsync(node, name));
        var cancel = await node.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, tx => CancelOrder.DecideAsync(closed.Id, null, tx));
        Assert.Equal("order_archived", cancel.Refusal!.Code);
        await VerifyAsync(node, folder);
        Assert.Equal((0, 0), await ArchiveAsync(node, folder, orders[Orders / 2].PlacedAt));
    }

    [Theory, EveryDatabase]
    public async Task The_external_id_of_an_archived_order_stays_taken(string store)
    {
        var (filled, node, orders, folder) = await StartAsync(store);
        await using var _f = filled;
        await using var _n = node;
        var closed = orders.First(o => o.Status == OrderStatus.Delivered);
        await ArchiveAsync(node, folder, orders[Orders / 2].PlacedAt);

        var body = new OrderBody { Channel = closed.Channel, ExternalId = closed.ExternalId, Lines = [new OrderLineBody("BENCH-0001", 1, null)] };
        var other = AcceptOrder.From(body, node.Ids).Value;
        var intake = node.Modules.OfType<OrderingModule>().Single().Intake!;
        Assert.Equal("external_id_taken", (await intake.AcceptAsync(other, TestNode.Tester)).Outcome.Refusal!.Code);

        var hash = (await node.Database.ReadAsync(async s => await s.FindAsync<byte[]>("SELECT request_hash FROM order_keys WHERE order_id = @Id", new { closed.Id })))!;
        var again = (await intake.AcceptAsync(other with { RequestHash = hash }, TestNode.Tester)).Outcome;
        Assert.True(again.Existing);
        Assert.Equal(closed.Number, again.Value.Number);
    }

    [Theory, EveryDatabase]
    public async Task An_open_order_keeps_its_timeline_when_the_log_around_it_is_archived(string store)
    {
        var (filled, node, orders, folder) = await StartAsync(store);
        await using var _f = filled;
        await using var _n = node;
        var open = orders.First(o => o.Status is not (OrderStatus.Shipped or OrderStatus.Delivered or OrderStatus.Cancelled));
        var before = await TellAsync(node, open.Id.ToString());
        var end = orders.First(o => o.Id == open.Id).PlacedAt.AddDays(30);

        await ArchiveAsync(node, folder, end < TimeProvider.System.GetUtcNow() ? end : TimeProvider.System.GetUtcNow());

        Assert.Equal(before, await TellAsync(node, open.Id.ToString()));
        await VerifyAsync(node, folder);
    }

    [Theory, EveryDatabase]
    public async Task A_crash_at_any_step_loses_nothing_and_the_next_run_goes_on(string store)
    {
        var (filled, node, orders, folder) = await StartAsync(store);
        await using var _f = filled;
        await using var _n = node;
        var count = await node.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT COUNT(*) FROM events"));
        var before = orders[Orders / 2].PlacedAt;
        foreach (var crash in new[] { "write", "rename", "delete" })
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => ArchiveAsync(node, folder, before, step => { if (step == crash) throw new InvalidOperationException(step); }));
            Assert.Equal(count, await node.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT COUNT(*) FROM events")));
            await VerifyAsync(node, folder);
        }

        Assert.True((await ArchiveAsync(node, folder, before)).Events > 0);
        await VerifyAsync(node, folder);
        Assert.DoesNotContain(Directory.GetFiles(folder), f => f.EndsWith(".part", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_file_that_was_altered_is_found_and_one_that_is_elsewhere_is_counted()
    {
        var (filled, node, orders, folder) = await StartAsync("sqlite");
        await using var _f = filled;
        await using var _n = node;
        await ArchiveAsync(node, folder, orders[Orders / 2].PlacedAt);
        var files = Directory.GetFiles(folder);
        File.Move(files[0], files[0] + ".elsewhere");
        Assert.Equal((null, 1), await node.Database.ReadAsync(s => LogArchive.VerifyAsync(s, folder)));

        var bytes = await File.ReadAllBytesAsync(files[1]);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(files[1], bytes);
        var (wrong, _) = await node.Database.ReadAsync(s => LogArchive.VerifyAsync(s, folder));
        Assert.Contains("is not the file that was written", wrong);
    }
}
