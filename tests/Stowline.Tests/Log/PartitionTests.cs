using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;
using Stowline.Tests.Support;

namespace Stowline.Tests.Log;

/// Goal: on PostgreSQL orders lie in months and events in ranges of positions, old databases included, and a missing partition refuses nothing.
public class PartitionTests
{
    private static readonly HashSet<string> Before = [.. Migrator.Files().Select(f => f.Name).Where(n => string.CompareOrdinal(n, "20261121_0620") < 0)];

    private static async Task<long> CountAsync(SqlSession session, string table) => await session.FindAsync<long>($"SELECT COUNT(*) FROM {table}");

    private static ValueTask InsertOrdersAsync(SqlSession session, Guid[] ids, DateTimeOffset[] placed)
    {
        var n = ids.Length;
        return session.InsertAsync("orders", n, Column.Of("id", ids), Column.From("number", ids, _ => 1L), Column.Same("channel", n, "web"),
            Column.From("external_id", ids, i => i.ToString()), Column.Same("status", n, 6), Column.Same("fulfillment_type", n, 1), Column.Same("priority", n, 2),
            Column.Same("currency", n, "EUR"), Column.Same("total_e4", n, 1L), Column.Same("lines", n, "[]"), Column.Of("person_id", ids),
            Column.Same("on_hold", n, false), Column.Same("cancelling", n, false), Column.Of("placed_at", placed));
    }

    private static Guid IdAt(ManualTime time, DateTimeOffset at)
    {
        time.Advance(at - time.GetUtcNow());
        return new IdSource(time, seed: 1).Next();
    }

    [SkippableTheory]
    [InlineData("postgres")]
    [Trait("Needs", "server")]
    public async Task A_database_from_before_is_carried_over_row_by_row(string store)
    {
        var time = new ManualTime();
        var (database, _, postgres) = await TestNode.NewDatabaseAsync(store, time);
        var start = time.GetUtcNow();
        var placed = Enumerable.Range(0, 5).Select(i => start.AddDays(40 * i)).ToArray();
        var ids = placed.Select(at => IdAt(time, at)).ToArray();
        await Migrator.RunAsync(database, Before);
        await using (var session = await database.OpenAsync(readOnly: false, default))
        {
            await InsertOrdersAsync(session, ids, placed);
            long[] positions = [1, 2, 3];
            await session.InsertAsync("events", 3, Column.Same("lane_id", 3, 1), Column.Of("position", positions), Column.Of("id", ids[..3]), Column.Same("type", 3, "t"),
                Column.Same("subject", 3, "s"), Column.Same("at", 3, start), Column.Same("actor", 3, "a"), Column.From("payload", positions, _ => new byte[] { 1 }));
        }
        await Migrator.RunAsync(database);
        await using (var session = await database.OpenAsync(readOnly: false, default))
        {
            Assert.Equal(5, await CountAsync(session, "orders"));
            Assert.Equal(0, await CountAsync(session, "orders_default"));
            Assert.Equal(3, await CountAsync(session, "events"));
            Assert.Equal(0, await CountAsync(session, "events_default"));
            Assert.Equal(1, await CountAsync(session, $"orders_{placed[2]:yyyyMM}"));
            Assert.Equal(ids[3], await session.FindAsync<Guid>("SELECT id FROM orders WHERE id = @id", new { id = ids[3] }));
        }
        await database.DisposeAsync();
        await DropAsync(postgres!.Value);
    }

    [SkippableTheory]
    [InlineData("postgres")]
    [Trait("Needs", "server")]
    public async Task Months_are_made_ahead_and_what_found_none_moves_when_its_month_is_made(string store)
    {
        await using var node = await TestNode.StartAsync(store);
        var far = node.Time.GetUtcNow().AddMonths(6);
        var month = $"orders_{far:yyyyMM}";
        await node.DrainAsync();
        await using var session = await node.Database.OpenAsync(readOnly: false, default);
        Assert.Equal(3, await CountAsync(session, "pg_inherits WHERE inhparent = 'orders'::regclass") - 1);
        var time = new ManualTime();
        await InsertOrdersAsync(session, [IdAt(time, far)], [far]);
        Assert.Equal(1, await CountAsync(session, "orders_default"));

        node.Time.Advance(far - node.Time.GetUtcNow());
        await node.DrainAsync();

        Assert.Equal(0, await CountAsync(session, "orders_default"));
        Assert.Equal(1, await CountAsync(session, month));
    }

    private static async Task DropAsync((string Server, string Name) place)
    {
        await using var connection = new Npgsql.NpgsqlConnection(place.Server);
        await connection.OpenAsync();
        await using var command = new Npgsql.NpgsqlCommand($"DROP DATABASE IF EXISTS {place.Name} WITH (FORCE)", connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }
}
