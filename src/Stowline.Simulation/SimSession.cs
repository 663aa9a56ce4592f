using System.Data.Common;
using Microsoft.Data.Sqlite;
using Stowline.Store;

namespace Stowline.Simulation;

/// <summary>A session on a simulated disk: it fails when the scheduler has said so, ends with its node, and is where mutants change what is written and promises are looked at.</summary>
internal sealed class SimSession(SqliteConnection connection, SimDatabase database) : SqliteSession(connection)
{
    public override ValueTask BeginAsync(bool snapshot, CancellationToken ct)
    {
        database.Check();
        if (!snapshot) database.Disk.BeforeWriting();
        return base.BeginAsync(snapshot, ct);
    }

    public override async ValueTask CommitAsync()
    {
        database.Check();
        var fault = database.Next;
        database.Next = DiskFault.None;
        if (fault == DiskFault.Refuses) throw SimDatabase.Failure();
        if (fault == DiskFault.PowerBefore) Off();
        await base.CommitAsync();
        if (fault == DiskFault.AnswerLost) throw SimDatabase.Failure();
        if (fault == DiskFault.PowerAfter) Off();
    }

    /// <summary>Its faults are those of <see cref="CommitAsync"/>.</summary>
    public override async Task CommitLater(Action onMade)
    {
        await CommitAsync();
        onMade();
    }

    /// <summary>There is one thread, or two runs of one seed would differ.</summary>
    protected override Task Launch(Action work)
    {
        work();
        return Task.CompletedTask;
    }

    private void Off()
    {
        database.PowerOff();
        database.Check();
    }

    public override ValueTask DisposeAsync()
    {
        database.Closed(this);
        return base.DisposeAsync();
    }

    // ---- mutants

    protected override ValueTask<DbDataReader> ReaderAsync(string sql, object? args)
    {
        database.Check();
        return base.ReaderAsync(Mutants.Runs(database.Mutant, sql), args);
    }

    public override ValueTask SelectAsync(string select, int count, Column[] keys, Action<RowReader> row)
    {
        database.Check();
        return Mutants.Looks(database.Mutant, select) is { } looks ? base.SelectAsync(looks, count, keys, row) : ValueTask.CompletedTask;
    }

    public override ValueTask InsertAsync(string table, int count, params Column[] columns) =>
        Mutants.Tolerates(database.Mutant, table) is { } key ? UpsertAsync(table, key, "", count, columns) : base.InsertAsync(table, count, columns);

    public override ValueTask UpsertAsync(string table, string conflict, string update, int count, params Column[] columns) =>
        base.UpsertAsync(table, conflict, Mutants.Changes(database.Mutant, table, update), count, columns);

    public override async ValueTask UpdateAsync(string table, string set, int count, Column[] keys, params Column[] values)
    {
        for (var times = Mutants.Times(database.Mutant, set); times > 0; times--) await base.UpdateAsync(table, set, count, keys, values);
        if (database.Promised is { } promised && Books.IsPromise(table, set))
            await base.SelectAsync(Books.FreeOf, count, keys, row => promised(row.GetString(0), row.GetString(1), row.GetInt64(2)));
    }
}
