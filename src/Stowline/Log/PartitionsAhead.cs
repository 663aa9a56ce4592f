using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// Makes the partitions of a table before they are needed (PostgreSQL; SQLite has none). It looks once an hour; a partition is wanted a month, or a
/// million events, after it is made, and what finds none goes into the default partition.
/// </summary>
/// <param name="sql">A call of the table's partition function; <c>@now</c> and <c>@ahead</c> (two months later) may stand in it.</param>
internal sealed class PartitionsAhead(Database database, string table, string sql) : Pump
{
    private static readonly TimeSpan Between = TimeSpan.FromHours(1);
    private readonly Rest _rest = new(database.Time);

    public override string Name => $"partitions of {table}";
    public override TimeSpan Idle => Between;

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (!database.Dialect.IsPostgres || !_rest.IsOver) return false;
        var now = database.Time.GetUtcNow();
        await using var session = await database.OpenAsync(readOnly: false, ct);
        await session.FindAsync<int>(sql, new { now, ahead = now.AddMonths(2) });
        _rest.For(Between);
        return false;
    }
}
