using System.Diagnostics.Metrics;
using Stowline.Adapters;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;
using Stowline.Tests.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: a group of orders that is decided while the one before is being committed (decision 0035) is decided as if that had ended. Method: more orders at once than two groups can hold, on real
/// SQL; a group takes 256, and the next begins with its commit.
public class DecidedAhead
{
    /// <summary>Counts the groups of a node that were decided ahead, by whether what they presumed was so.</summary>
    private sealed class Ahead : IDisposable
    {
        private readonly MeterListener _listener = new();
        private int _held;
        private int _dropped;

        public Ahead(Node node)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "stowline_groups_ahead" && instrument.Meter.Scope == node.Lanes) listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, groups, tags, _) =>
            {
                foreach (var tag in tags)
                    if (tag is { Key: "held", Value: true }) Interlocked.Add(ref _held, (int)groups);
                    else Interlocked.Add(ref _dropped, (int)groups);
            });
            _listener.Start();
        }

        public int Held => Volatile.Read(ref _held);
        public int Dropped => Volatile.Read(ref _dropped);

        public void Dispose() => _listener.Dispose();
    }

    private static string Text(CommandResult<OrderView> answer) => answer.Replayed ? "replayed" : GroupPropertyTests.Text(answer.Outcome);

    private static async Task<HubNode> StartAsync(string store, string[] skus, int units)
    {
        var hub = await HubNode.StartAsync(store, (path, time) => new HeldUpDatabase(path, time));
        await hub.SiteAsync("W1");
        await hub.ProductsAsync(skus);
        foreach (var sku in skus) await hub.GrantAsync("W1", sku, units);
        return hub;
    }

    /// <summary>Orders for few SKUs by few people. Some external ids, and some idempotency keys, come again in a later group.</summary>
    private static (AcceptOrder Order, Caller Caller)[] Wishes(HubNode hub, string[] skus)
    {
        var random = new Random(4711);
        return
        [
            .. Enumerable.Range(0, 900).Select(i =>
            {
                var order = hub.Order($"w{(random.Next(6) == 0 ? random.Next(900) : i)}", [(skus[random.Next(skus.Length)], random.Next(1, 4))],
                    b => b with { Customer = new CustomerDetails("Ann", $"ann{random.Next(60)}@example.com", null) }).Value;
                // One key comes again in the very next group, another one in the group behind that.
                var key = i switch { 10 or 300 => "near", 20 or 600 => "far", _ => null };
                return (order, TestNode.Tester with { Idempotency = key is null ? null : IdempotencyKey.Of("tester", "POST", "orders", key, [1]) });
            }),
        ];
    }

    [Theory, EveryDatabase]
    public async Task Groups_one_behind_the_other_decide_as_one_by_one(string store)
    {
        string[] skus = ["A", "B", "C", "D"];
        var alone = new List<string>();
        await using (var hub = await StartAsync(store, skus, 350))
            foreach (var (order, caller) in Wishes(hub, skus)) alone.Add(Text(await hub.Test.PumpUntilAsync(hub.Intake.AcceptAsync(order, caller))));

        await using var together = await StartAsync(store, skus, 350);
        using var ahead = new Ahead(together.Node);
        var wishes = Wishes(together, skus);
        var answers = await together.Test.PumpUntilAsync(Task.WhenAll(wishes.Select(w => together.Intake.AcceptAsync(w.Order, w.Caller))));
        Assert.Equal(alone, answers.Select(Text));
        Assert.Equal(2, alone.Count(a => a == "replayed"));
        Assert.Contains("insufficient_stock", alone);
        // PostgreSQL: of four groups the first has none before it, and the second shares a key with it. SQLite: the third is the first that another thread writes, and leaves half to the fourth.
        Assert.Equal((store == "postgres" ? 2 : 1, 0), (ahead.Held, ahead.Dropped));

        // Of each person there is one key, in whichever group it was made.
        var people = await together.Test.Database.ReadAsync(async s => await s.QueryAsync<PersonalRow>("SELECT o.personal, p.key FROM orders o JOIN people p ON p.person_id = o.person_id"));
        Assert.Equal(answers.Count(a => a.Outcome.IsOk && !a.Outcome.Existing), people.Count);
        Assert.All(people, p => Assert.NotNull(Personal.Decrypt(p.Key, p.Personal)));
        await together.Test.VerifyAsync();
    }

    private sealed record PersonalRow { public byte[] Personal { get; init; } = []; public byte[] Key { get; init; } = []; }

    /// Method: a gate in the database holds the second group up where it takes the lock, after the first one's commit. Meanwhile somebody else promises units of the same SKU.
    [SkippableTheory]
    [InlineData(20)]
    public async Task What_somebody_else_promised_in_between_is_not_promised_again(int units)
    {
        await using var hub = await StartAsync("postgres", ["A"], 300);
        Assert.True((await hub.PlaceAsync("first", ("A", 1))).IsOk); // from here on it remembers what is free
        using var ahead = new Ahead(hub.Node);
        await using var gate = await hub.Test.Database.OpenAsync(readOnly: false, default);
        await using var other = await hub.Test.Database.OpenAsync(readOnly: false, default);
        var version = await gate.FindAsync<long>("SELECT version FROM lanes WHERE name = 'hub'");
        await gate.ScriptAsync($"""
            CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF current_setting('stowline.other', true) IS NULL AND EXISTS (SELECT FROM lanes WHERE name = 'hub' AND version = {version + 1} AND xmin <> pg_current_xact_id()::xid)
                THEN PERFORM pg_advisory_xact_lock(4711); END IF;
                RETURN NULL; END $$;
            CREATE TRIGGER gate BEFORE UPDATE ON lanes FOR EACH STATEMENT EXECUTE FUNCTION gate();
            SELECT pg_advisory_lock(4711)
            """);
        var answering = hub.Test.PumpUntilAsync(Task.WhenAll(Enumerable.Range(0, 512).Select(i => hub.Intake.AcceptAsync(hub.Order($"o{i}", [("A", 1)]).Value, TestNode.Tester))));
        while (await other.FindAsync<long>("SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") == 0)
            await Moment.PassAsync();
        await other.ScriptAsync($"SET stowline.other = 'yes'; BEGIN; UPDATE lanes SET version = version + 1 WHERE name = 'hub'; UPDATE allotments SET promised = promised + {units}; COMMIT");
        await gate.ScriptAsync("SELECT pg_advisory_unlock(4711)");
        var answers = await answering;
        Assert.Equal((0, 1), (ahead.Held, ahead.Dropped));
        Assert.Equal(300 - 1 - units, answers.Count(a => a.Outcome.IsOk));
        Assert.All(answers.Where(a => !a.Outcome.IsOk), a => Assert.Equal("insufficient_stock", a.Outcome.Refusal!.Code));
        await other.ScriptAsync($"UPDATE allotments SET promised = promised - {units}"); // of it there is no event
        await hub.Test.VerifyAsync();
    }

    /// Method: the connection is cut at the first group's commit, with or without it having arrived. The second was begun by then.
    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_commit_whose_answer_is_lost_promises_nothing_twice(bool arrives)
    {
        await using var hub = await StartAsync("postgres", ["A"], 400);
        var (proxy, through) = CommitProxy.Before((PostgresDatabase)hub.Test.Database, written: OrderPlaced.Type);
        await using var _ = proxy;
        await using var node = await Node.OpenAsync(new PostgresDatabase(through, TimeProvider.System), modules: [new CatalogModule(), new PromisingModule(), new OrderingModule()]);
        await PromisesNothingTwiceAsync(hub, node, () => proxy.CutNext(arrives ? Cut.AfterCommit : Cut.BeforeCommit));
        Assert.Equal(1, proxy.Cuts);
    }

    /// Method: as on PostgreSQL; the other thread, which writes a group on SQLite while the next is decided, says that the disk has failed, or that something is wrong with the group.
    [Theory]
    [InlineData(OtherThread.LosesTheDiskAfter)]
    [InlineData(OtherThread.LosesTheDiskBefore)]
    [InlineData(OtherThread.Refuses)]
    public async Task A_group_that_the_other_thread_could_not_write_promises_nothing_twice(OtherThread how)
    {
        await using var hub = await StartAsync("sqlite", ["A"], 400);
        var database = new HeldUpDatabase(((SqliteDatabase)hub.Test.Database).Path, TimeProvider.System);
        await using var node = await Node.OpenAsync(database, modules: [new CatalogModule(), new PromisingModule(), new OrderingModule()]);
        var promised = await PromisesNothingTwiceAsync(hub, node, () => database.FailNext(how));
        Assert.Equal(1, database.Failed);
        // What is found to be committed, or was written one by one, is answered as if nothing had been; what the disk has lost is refused, and behind it others may come in its place.
        if (how != OtherThread.LosesTheDiskBefore) Assert.Equal(395, promised);
    }

    /// <summary>Places more orders than there are units, some in trouble, and all of them once more.</summary>
    /// <returns>How many were promised when they were placed first.</returns>
    private static async Task<int> PromisesNothingTwiceAsync(HubNode hub, Node node, Action inTrouble)
    {
        node.Start();
        using var ahead = new Ahead(node);
        var intake = node.Modules.OfType<OrderingModule>().Single().Intake!;
        Task<CommandResult<OrderView>[]> PlaceAsync(string name, int orders) =>
            Task.WhenAll(Enumerable.Range(0, orders).Select(i => intake.AcceptAsync(hub.Order($"{name}{i}", [("A", 1)]).Value, TestNode.Tester)));
        Assert.All(await PlaceAsync("before", 5), a => Assert.True(a.Outcome.IsOk));
        inTrouble();
        var answers = await PlaceAsync("a", 600);
        Assert.All(answers.Where(a => !a.Outcome.IsOk), a => Assert.Contains(a.Outcome.Refusal!.Code, (string[])["database_unavailable", "insufficient_stock"]));
        var again = await PlaceAsync("a", 600);
        Assert.Equal(395, again.Count(a => a.Outcome.IsOk));
        Assert.All(answers.Zip(again).Where(p => p.First.Outcome.IsOk), p => Assert.Equal((true, p.First.Outcome.Value.Number), (p.Second.Outcome.Existing, p.Second.Outcome.Value.Number)));
        Assert.NotEqual(0, ahead.Held);
        Assert.True((await Verification.RunAsync(node)).Ok);
        return answers.Count(a => a.Outcome.IsOk);
    }
}
