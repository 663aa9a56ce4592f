using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Log;

/// <summary>Commands commit in groups, and nobody may notice but by the speed.</summary>
public class GroupTests
{
    [Theory, EveryDatabase]
    public async Task Positions_are_gapless_and_the_hashes_chain_over_many_groups(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        for (var round = 0; round < 5; round++)
            await node.PumpUntilAsync(Task.WhenAll(Enumerable.Range(0, 40).Select(i => node.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, NotesModule.Add($"n{i}")))));
        var positions = (await node.Lanes.ReadAsync(Lane.Hub, 0, 1000)).Select(e => e.Position);
        Assert.Equal(Enumerable.Range(1, 200).Select(i => (long)i), positions);
        await node.VerifyAsync();
        Assert.Equal(5, await NotesModule.HeardAsync(node.Database, "n7"));
    }

    [Theory, EveryDatabase]
    public async Task A_refused_command_leaves_no_state_and_no_event(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        var refused = await node.RunAsync<long>(Lane.Hub, _ => ValueTask.FromResult<Outcome<long>>(Refusal.Conflict("no", "not today")));
        Assert.Equal("no", refused.Refusal!.Code);
        Assert.Equal(0, await NotesModule.EventsAsync(node.Database));
    }

    [Theory, EveryDatabase]
    public async Task A_command_that_writes_and_then_refuses_is_a_bug_and_stores_nothing(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        await Assert.ThrowsAsync<InvalidOperationException>(() => node.RunAsync<long>(Lane.Hub, async tx =>
        {
            await NotesModule.Add("half")(tx);
            return Refusal.Conflict("too_late", "after writing");
        }));
        Assert.Equal(0, await NotesModule.ValueAsync(node.Database, "half"));
        Assert.Equal(0, await NotesModule.EventsAsync(node.Database));
    }

    [Theory, EveryDatabase]
    public async Task A_command_that_throws_fails_alone_and_the_others_of_its_group_are_stored(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        var before = node.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, NotesModule.Add("a"));
        var faulty = node.Lanes.ExecuteAsync<long>(Lane.Hub, TestNode.Tester, async tx =>
        {
            await NotesModule.Add("faulty")(tx);
            throw new FormatException("a bug");
        });
        var after = node.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, NotesModule.Add("a"));
        await node.PumpUntilAsync(Task.WhenAll(before, after));
        await Assert.ThrowsAsync<FormatException>(() => faulty);
        Assert.Equal(2, await NotesModule.ValueAsync(node.Database, "a"));
        Assert.Equal(0, await NotesModule.ValueAsync(node.Database, "faulty"));
        await node.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_full_queue_refuses_at_once_and_says_when_to_come_back(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        var waiting = Enumerable.Range(0, 4096).Select(_ => node.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, NotesModule.Add("q"))).ToArray();
        var refused = node.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, NotesModule.Add("q"));
        Assert.True(refused.IsCompleted);
        Assert.Equal((RefusalKind.Unavailable, "lane_queue_full", 1), ((await refused).Refusal!.Kind, (await refused).Refusal!.Code, (await refused).Refusal!.RetryAfterSeconds));
        await node.PumpUntilAsync(Task.WhenAll(waiting));
        Assert.Equal(4096, await NotesModule.ValueAsync(node.Database, "q"));
    }

    [Theory, EveryDatabase]
    public async Task Numbers_are_never_given_twice(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        var numbers = await node.PumpUntilAsync(Task.WhenAll(Enumerable.Range(0, 20).Select(_ =>
            node.Lanes.ExecuteAsync<long>(Lane.Hub, TestNode.Tester, async tx => await tx.NextNumberAsync("ticket", Lane.Hub)))));
        Assert.Equal(Enumerable.Range(1, 20).Select(i => (long)i), numbers.Select(n => n.Value).Order());
    }

    [Theory, EveryDatabase]
    public async Task Empty_text_and_empty_bytes_are_not_null(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        await node.RunAsync<Done>(Lane.Hub, async tx =>
        {
            await tx.InsertAsync("idempotency_keys", 1, Stowline.Store.Column.Of("key_hash", [new byte[] { 1 }]), Stowline.Store.Column.Of("body_hash", [Array.Empty<byte>()]),
                Stowline.Store.Column.Of("status", [200]), Stowline.Store.Column.Of("location", [""]), Stowline.Store.Column.Of("body", [Array.Empty<byte>()]),
                Stowline.Store.Column.Of("created_at", [tx.Now]));
            return new Done();
        });
        Assert.Equal("", await node.Database.ReadAsync(async s => await s.FindAsync<string>("SELECT location FROM idempotency_keys")));
    }
}
