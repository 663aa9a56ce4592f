using System.Text;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;
using Stowline.Tests.Support;

namespace Stowline.Tests.Log;

/// <summary>What processes on one database tell each other, without a database.</summary>
public class NeighborMessageTests
{
    private static NodeProcess Process(string id) => new(id, "host", default, default, false);

    private static Neighbors WithOther(params string[] others)
    {
        var neighbors = new Neighbors("me");
        neighbors.Present([Process("me"), .. others.Select(Process)]);
        return neighbors;
    }

    [Fact]
    public void However_much_there_is_to_tell_each_text_fits_and_heads_come_before_moves()
    {
        var neighbors = WithOther("b");
        var lanes = Enumerable.Range(0, 400).Select(i => new Lane($"site/Склад {i}")).ToArray();
        foreach (var lane in lanes)
        {
            neighbors.Wrote(lane, 7);
            neighbors.Moved("consumer", lane, 5);
        }
        var texts = neighbors.Take();
        Assert.All(texts, t => Assert.InRange(Encoding.UTF8.GetByteCount(t), 1, 7_999));
        var messages = texts.Select(t => NeighborMessage.Parse(t)!).ToList();
        Assert.Equal(lanes.Select(l => l.Name).Order(), messages.SelectMany(m => m.Heads?.Keys.ToArray() ?? []).Order());
        Assert.Equal(lanes.Select(l => l.Name).Order(), messages.SelectMany(m => m.Moves ?? []).Select(m => m.Lane).Order());
        Assert.True(messages.FindLastIndex(m => m.Heads is not null) < messages.FindIndex(m => m.Moves is not null));
        Assert.Empty(neighbors.Take());
    }

    [Fact]
    public void Later_news_replaces_older_and_who_is_alone_gathers_none()
    {
        var neighbors = WithOther();
        neighbors.Wrote(Lane.Hub, 1);
        Assert.Empty(neighbors.Take());
        neighbors.Greet("b");
        neighbors.Wrote(Lane.Hub, 3);
        neighbors.Wrote(Lane.Hub, 2);
        neighbors.Moved("c", Lane.Hub, 1);
        neighbors.Moved("c", Lane.Hub, 2);
        var message = NeighborMessage.Parse(Assert.Single(neighbors.Take()))!;
        Assert.Equal(("me", 3L, 2L), (message.From, message.Heads!["hub"], Assert.Single(message.Moves!).To));
    }

    [Fact]
    public void An_announcement_waits_for_everybody_who_is_there()
    {
        var neighbors = WithOther("b", "c");
        var first = neighbors.Announce(["keys"]);
        var message = NeighborMessage.Parse(Assert.Single(neighbors.Take()))!;
        Assert.Equal(("keys", 1L), (Assert.Single(message.Topics!), message.Number));
        var second = neighbors.Announce(["sites"]);
        neighbors.Confirmed("b", 1);
        Assert.False(first.IsCompleted);
        neighbors.Confirmed("c", 1);
        Assert.True(first.IsCompleted);
        Assert.False(second.IsCompleted);
        neighbors.Confirmed("c", 2);
        neighbors.Present([Process("me"), Process("c")]); // b is gone: nobody waits for it
        Assert.True(second.IsCompleted);
        neighbors.Gone("c");
        Assert.True(neighbors.Announce(["keys"]).IsCompleted);
    }

    [Fact]
    public void A_text_of_somebody_else_is_passed_over() => Assert.Null(NeighborMessage.Parse("hello?"));
}

/// <summary>Who runs the consumers, on a real PostgreSQL. The clock is the real one; nothing waits longer than it must.</summary>
[Trait("Needs", "server")]
public class DutyTests
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    private static async Task<Node> JoinAsync(OwnPostgres own)
    {
        var node = await Node.OpenAsync(own.Open(), modules: [new NotesModule()]);
        node.Lanes.LongestWait = TestNode.LongestWait;
        node.AddSite("any");
        node.Start();
        return node;
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        for (; !await isSo(); await Moment.PassAsync()) Assert.True(clock.Elapsed < Longest, "it took too long");
    }

    private static Task AddAsync(Node node, string name) => node.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, NotesModule.Add(name));

    private static bool IsOnDuty(Node node) => node.Lanes.Duty.IsOurs;

    [SkippableTheory]
    [InlineData("pg_stat_activity")]
    public async Task Who_loses_its_session_loses_the_duty_and_the_work_goes_on(string sessions)
    {
        await using var own = await OwnPostgres.MakeAsync();
        await using var one = await JoinAsync(own);
        await UntilAsync(() => Task.FromResult(IsOnDuty(one)));
        await using var two = await JoinAsync(own);
        await UntilAsync(() => Task.FromResult(two.Lanes.Processes.Count == 2));
        Assert.Equal([true, false], new[] { one, two }.Select(IsOnDuty));
        await AddAsync(two, "n");
        Assert.Equal(1, await NotesModule.HeardAsync(two.Database, "n")); // the answer waited for the consumer of the other

        await one.Database.ReadAsync(async s => await s.QueryAsync<bool>(
            $"SELECT pg_terminate_backend(pid) FROM {sessions} WHERE datname = current_database() AND application_name LIKE 'stowline ' || @id || ' %'", new { id = one.Lanes.Process }));
        await UntilAsync(() => Task.FromResult(IsOnDuty(one) != IsOnDuty(two) && one.Lanes.Processes.Count == 2 && two.Lanes.Processes.Count == 2));
        foreach (var node in new[] { one, two }) await AddAsync(node, "n");
        await UntilAsync(async () => await NotesModule.HeardAsync(two.Database, "n") == 3);
        await UntilAsync(() => Task.FromResult(one.IsDrained && two.IsDrained));
        Assert.True((await Verification.RunAsync(two)).Ok);
    }

    /// <summary>Goal: a process that has the duty and does nothing stops nobody. Method: a bare session takes the duty.</summary>
    [SkippableTheory]
    [InlineData("hangs")]
    public async Task Where_nothing_moves_the_others_help(string process)
    {
        await using var own = await OwnPostgres.MakeAsync();
        await using var database = own.Open();
        await using (var idle = (await database.JoinAsync(process, "elsewhere", TimeProvider.System.GetUtcNow(), default))!)
        {
            Assert.True(await idle.TryTakeDutyAsync(default));
            await using var node = await JoinAsync(own);
            await AddAsync(node, "n");
            await UntilAsync(async () => await NotesModule.HeardAsync(node.Database, "n") == 1);
            Assert.False(IsOnDuty(node));
            Assert.Equal([(process, true), (node.Lanes.Process, false)], node.Lanes.Processes.Select(p => (p.Id, p.OnDuty)).OrderByDescending(p => p.OnDuty));
            await idle.LeaveAsync("{}", default);
            await UntilAsync(() => Task.FromResult(IsOnDuty(node)));
        }
    }

    /// <summary>Goal: a message that nobody heard costs time only. Method: the writer is a process that tells nothing.</summary>
    [SkippableTheory]
    [InlineData(3)]
    public async Task What_was_not_told_is_found(int notes)
    {
        await using var own = await OwnPostgres.MakeAsync();
        await using var node = await JoinAsync(own);
        await using var silent = await Node.OpenAsync(own.Open(), modules: [new NotesModule()]);
        for (var i = 0; i < notes; i++)
        {
            var given = silent.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, NotesModule.Add("n"));
            while (!given.IsCompleted)
                foreach (var writer in silent.Lanes.Writers) await writer.RunOnceAsync(default);
            Assert.True((await given).IsOk);
            await UntilAsync(async () => await NotesModule.HeardAsync(node.Database, "n") == i + 1);
        }
    }
}
