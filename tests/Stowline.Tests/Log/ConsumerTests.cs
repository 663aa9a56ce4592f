using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Log;

/// <summary>Goal: one bad event stops one subject, never a lane.</summary>
public class ConsumerTests
{
    private static Task<IReadOnlyList<long>> ParkedAsync(TestNode node) =>
        node.Database.ReadAsync(async s => await s.QueryAsync<long>("SELECT position FROM parked_events ORDER BY position"));

    private static ConsumerPump Pump(TestNode node) => node.Node.Consumers.Single();

    [Theory, EveryDatabase]
    public async Task A_poisonous_event_parks_its_subject_and_all_others_go_on(string store)
    {
        var (node, notes) = await NotesNode.StartAsync(store);
        await using var _n = node;
        notes.Poison.Add("bad");
        await node.PumpUntilAsync(Task.WhenAll(new[] { "good", "bad", "good" }.Select(n => node.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, NotesModule.Add(n)))));
        await node.AddAsync("bad");
        await node.AddAsync("good");
        await node.DrainAsync();
        Assert.Equal(3, await NotesModule.HeardAsync(node.Database, "good"));
        Assert.Equal(0, await NotesModule.HeardAsync(node.Database, "bad"));
        Assert.Equal([2, 4], await ParkedAsync(node));
        var report = await Verification.RunAsync(node.Node);
        Assert.StartsWith("2 events are parked", report.Checks["parked"]);
    }

    [Theory, EveryDatabase]
    public async Task What_was_repaired_is_resumed_in_order_and_once(string store)
    {
        var (node, notes) = await NotesNode.StartAsync(store);
        await using var _n = node;
        notes.Poison.Add("bad");
        await node.AddAsync("bad");
        await node.AddAsync("bad");
        await node.DrainAsync();
        Assert.Equal("still_failing", (await node.PumpUntilAsync(Pump(node).ResumeAsync("bad", default))).Refusal!.Code);
        notes.Poison.Clear();
        var (one, two) = (Pump(node).ResumeAsync("bad", default), Pump(node).ResumeAsync("bad", default));
        await node.PumpUntilAsync(Task.WhenAll(one, two));
        string[] codes = [(await one).Refusal?.Code ?? "", (await two).Refusal?.Code ?? ""];
        // The second finds the park changed under it, or nothing there any more, as they happen to meet.
        Assert.Contains("", codes);
        Assert.Contains(codes, c => c is "park_changed" or "not_parked");
        Assert.Equal(2, await NotesModule.HeardAsync(node.Database, "bad"));
        await node.AddAsync("bad");
        await node.DrainAsync();
        Assert.Equal(3, await NotesModule.HeardAsync(node.Database, "bad"));
        await node.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Giving_up_a_parked_event_is_itself_an_event_with_a_reason(string store)
    {
        var (node, notes) = await NotesNode.StartAsync(store);
        await using var _n = node;
        notes.Poison.Add("bad");
        await node.AddAsync("bad");
        await node.DrainAsync();
        var discarded = await node.PumpUntilAsync(Pump(node).DiscardAsync("bad", null, "a duplicate from the old system", new Caller("anna"), default));
        Assert.Equal(1, discarded.Value);
        Assert.Empty(await ParkedAsync(node));
        var act = (await node.Lanes.ReadAsync(Lane.Hub, 1, 10)).Single(e => e.Type == ParkedDiscarded.Type);
        Assert.Equal(("anna", "a duplicate from the old system"), (act.Actor, act.Read<ParkedDiscarded>().Reason));
        await node.VerifyAsync();
    }

    /// <summary>Goal: a database that is away for a moment must not park anything. Method: the consumer's command is refused, as a writer refuses when storage is lost.</summary>
    [Theory, EveryDatabase]
    public async Task A_lost_database_parks_nothing(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        var given = node.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, NotesModule.Add("n"));
        foreach (var writer in node.Lanes.Writers) await writer.RunOnceAsync(default);
        var step = Pump(node).RunOnceAsync(default).AsTask();
        while (!((LaneWriter)node.Lanes.Writers.Single()).Queue.HasConsumers) await Task.Yield();
        ((LaneWriter)node.Lanes.Writers.Single()).Queue.Close();
        await Assert.ThrowsAsync<ConsumerStalledException>(() => step);
        Assert.Empty(await ParkedAsync(node));
        // The answer waits for the consumer, but not for ever; it may not have begun to wait yet.
        for (; !given.IsCompleted; await Moment.PassAsync()) node.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.True((await given).IsOk);
    }
}
