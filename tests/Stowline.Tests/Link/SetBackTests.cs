using Stowline.Contracts;
using Stowline.Log;
using Stowline.Store;
using Stowline.Tests.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// Goal: when a copy goes back to where two histories part, no consumer steps over the new history with what it has read of the old one. Method: a copy with events that were not consumed yet goes back by some of
/// them, at the very moment at which a consumer reads them.
public class SetBackTests
{
    private static readonly Lane Copy = Lane.HubTo(TwoNodes.Code);

    /// <param name="Node">The site's node.</param>
    /// <param name="Consumed">How far its consumers are.</param>
    /// <param name="Fork">To where the copy goes back: further than that.</param>
    /// <param name="Head">Where the copy is.</param>
    private sealed record Behind(TestNode Node, long Consumed, LanePoint Fork, long Head)
    {
        public ConsumerPump Consumer { get; } = Node.Node.Consumers.Single(c => c.Source == Copy && c.Consumer.Wants(PartAssigned.Type));
        public Pump Writer => Node.Lanes.Writers.Single(w => w.Name == "writer " + Copy.Name);
        public Pump EffectsWriter => Node.Lanes.Writers.Single(w => w.Name == "writer " + Lane.Site(TwoNodes.Code).Name);
    }

    /// <param name="hasRead">Whether the consumers have read anything of the lane yet.</param>
    private static async Task<Behind> MakeAsync(TwoNodes nodes, bool hasRead)
    {
        nodes.Connect();
        await nodes.ReceiveAsync("A", 30);
        await nodes.DrainAsync();
        if (hasRead) await nodes.OrderAsync("0", "A", 1);
        await nodes.DrainAsync();
        nodes.Cut();
        for (var i = 1; i <= 3; i++) await nodes.OrderAsync($"{i}", "A", 1);
        var consumed = (await nodes.Site.Database.ReadAsync(Replicas.PointsAsync))[Copy.Name].Position;
        Assert.Equal(hasRead, consumed > 0);
        var groups = await nodes.HubTest.Database.ReadAsync(s => Replicas.ReadAsync(s, Copy, consumed, 1_000));
        var taken = await WriteAsync(nodes.Site, nodes.Site.Lanes.ImportAsync(Copy, groups, []));
        Assert.Equal(groups[^1].Last, taken.Position);
        return new Behind(nodes.Site, consumed, new LanePoint { Name = Copy.Name, Incarnation = groups[0].Incarnation, Position = groups[0].Last, Hash = groups[0].Hash }, taken.Position);
    }

    /// <summary>Runs the writers and nothing else until a task is done.</summary>
    private static async Task<T> WriteAsync<T>(TestNode node, Task<T> task)
    {
        while (!task.IsCompleted)
        {
            foreach (var writer in node.Lanes.Writers.ToArray()) await writer.RunOnceAsync(default);
            await Task.Yield();
        }
        return await task;
    }

    private static Task<long> CursorAsync(Behind at, string sql = "SELECT COALESCE(MAX(position), 0) FROM cursors WHERE consumer = @consumer AND lane_id = (SELECT id FROM lanes WHERE name = @lane)") =>
        at.Node.Database.ReadAsync(async s => await s.FindAsync<long>(sql, new { consumer = at.Consumer.Consumer.Name, lane = Copy.Name }));

    private static async Task FollowAsync(TwoNodes nodes)
    {
        nodes.Connect();
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        await nodes.WorkOffAsync();
        await nodes.AllServedAsync();
    }

    /// As when another process sets the copy back, which is heard of a moment later: until then the old events are in memory under positions that will be other events'.
    [Theory, EveryDatabase]
    public async Task What_is_remembered_of_the_old_end_is_not_read_at_its_positions(string store)
    {
        await using var nodes = await TwoNodes.StartAsync("sqlite", store);
        var at = await MakeAsync(nodes, hasRead: true);
        await using (var beside = await at.Node.BesideAsync()) Assert.Null(await WriteAsync(beside, beside.Lanes.SetBackAsync(at.Fork)));
        for (var i = 0; i < 3; i++) await WriteAsync(at.Node, at.Consumer.RunOnceAsync(default).AsTask());
        // What it had not read yet before the fork it has read now.
        Assert.Equal(at.Fork.Position, await CursorAsync(at));
        await FollowAsync(nodes);
    }

    /// <summary>Whoever commits first: the other one waits for it, and takes note.</summary>
    [SkippableTheory, Trait("Needs", "server")]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_step_and_a_set_back_at_once_are_one_after_the_other(bool hasRead, bool stepFirst)
    {
        await using var nodes = await TwoNodes.StartAsync("sqlite", "postgres");
        var at = await MakeAsync(nodes, hasRead);
        var first = stepFirst ? Lane.Site(TwoNodes.Code) : Copy;
        await using var holder = await at.Node.Database.OpenAsync(readOnly: false, default);
        await holder.BeginAsync(snapshot: false, default);
        // Each group ends by writing this row: the first of the two stays open until it is let go.
        Assert.Equal(1, await holder.ExecuteAsync("UPDATE lane_writers SET started_at = started_at WHERE scope = @scope", new { scope = first.Name }));
        Func<Task> step = () => StepAsync(at), setBack = () => SetBackAsync(at);
        var (one, other) = stepFirst ? (step, setBack) : (setBack, step);
        var running = one();
        await BlockedAsync(at, 1, running);
        var second = other();
        await BlockedAsync(at, 2, second);
        await holder.RollbackAsync();
        await running;
        await second;

        Assert.Equal(stepFirst ? at.Fork.Position : at.Consumed, await CursorAsync(at));
        Assert.Equal(stepFirst ? at.Head : at.Consumed, await CursorAsync(at, "SELECT COALESCE(MAX(position), 0) FROM history_cursors WHERE lane = @lane AND consumer = @consumer"));
        await FollowAsync(nodes);
    }

    private static async Task StepAsync(Behind at)
    {
        var step = at.Consumer.RunOnceAsync(default).AsTask();
        while (!step.IsCompleted)
        {
            await at.EffectsWriter.RunOnceAsync(default);
            await Task.Yield();
        }
        await step;
    }

    private static async Task SetBackAsync(Behind at)
    {
        var setBack = at.Node.Lanes.SetBackAsync(at.Fork);
        while (!setBack.IsCompleted)
        {
            await at.Writer.RunOnceAsync(default);
            await Task.Yield();
        }
        Assert.Null(await setBack);
    }

    /// <summary>Until so many sessions of the node wait for another one's row, or the last of them does not wait at all.</summary>
    private static async Task BlockedAsync(Behind at, int sessions, Task last)
    {
        while (!last.IsCompleted && await at.Node.Database.ReadAsync(async s => await s.FindAsync<long>(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")) < sessions)
        {
            await Moment.PassAsync();
        }
    }
}
