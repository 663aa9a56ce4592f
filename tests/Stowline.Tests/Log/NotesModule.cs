using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;
using Stowline.Tests.Support;

namespace Stowline.Tests.Log;

/// <summary>The smallest module there can be: notes with a value, and a consumer that counts the events of each. For tests of the log itself.</summary>
internal sealed class NotesModule : Module
{
    /// <summary>Subjects whose events the consumer cannot handle now.</summary>
    public HashSet<string> Poison { get; } = [];

    public override string Name => "notes";

    public override async Task StartAsync(Node node, CancellationToken ct)
    {
        await using var session = await node.Database.OpenAsync(readOnly: false, ct);
        await session.ScriptAsync(session.Dialect.Expand("""
            CREATE TABLE IF NOT EXISTS notes (name {text} NOT NULL PRIMARY KEY, value {bigint} NOT NULL);
            CREATE TABLE IF NOT EXISTS heard (name {text} NOT NULL PRIMARY KEY, times {bigint} NOT NULL);
            """));
    }

    public override IEnumerable<(Consumer Consumer, Lane Source)> ConsumersFor(string site, Node node) => [(new Listener(Poison), Lane.Hub)];

    /// <summary>A command: counts the note up and says so.</summary>
    public static Func<LaneTransaction, ValueTask<Outcome<long>>> Add(string name, long by = 1) => async tx =>
    {
        await tx.ExecuteAsync("INSERT INTO notes (name, value) VALUES (@name, @by) ON CONFLICT (name) DO UPDATE SET value = notes.value + excluded.value", new { name, by });
        tx.Append(Lane.Hub, new OrderHeld(Guid.Empty, name), name);
        return await tx.FindAsync<long>("SELECT value FROM notes WHERE name = @name", new { name });
    };

    public static Task<long> ValueAsync(Database database, string name) =>
        database.ReadAsync(async s => await s.FindAsync<long>("SELECT value FROM notes WHERE name = @name", new { name }));

    public static Task<long> HeardAsync(Database database, string name) =>
        database.ReadAsync(async s => await s.FindAsync<long>("SELECT times FROM heard WHERE name = @name", new { name }));

    public static Task<long> EventsAsync(Database database) => database.ReadAsync(async s => await s.FindAsync<long>("SELECT COUNT(*) FROM events WHERE type = 'order.held'"));

    private sealed class Listener(HashSet<string> poison) : Consumer
    {
        public override string Name => "listener";
        public override Lane Target(Lane source) => Lane.Hub;
        public override bool Wants(string type) => type == OrderHeld.Type;

        public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
        {
            foreach (var e in events)
            {
                if (poison.Contains(e.Subject)) throw new InvalidOperationException($"{e.Subject} cannot be heard");
                await tx.ExecuteAsync("INSERT INTO heard (name, times) VALUES (@name, 1) ON CONFLICT (name) DO UPDATE SET times = heard.times + 1", new { name = e.Subject });
            }
        }
    }
}

/// <summary>A test node with notes and nothing else.</summary>
internal static class NotesNode
{
    public static async Task<(TestNode Node, NotesModule Notes)> StartAsync(string store)
    {
        var notes = new NotesModule();
        var node = await TestNode.StartAsync(store, modules: [notes]);
        node.Node.AddSite("any"); // makes the consumer
        return (node, notes);
    }

    public static Task<Outcome<long>> AddAsync(this TestNode node, string name) => node.RunAsync(Lane.Hub, NotesModule.Add(name));
}
