using System.Data.Common;
using Microsoft.Data.Sqlite;
using Stowline.Store;

namespace Stowline.Simulation;

/// <summary>A session on a simulated disk: it fails when the scheduler has said so, ends with its node, and is where mutants change what is written.</summary>
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
        if (database.Mutant == Mutant.SkipCursor && sql.StartsWith("UPDATE cursors SET position", StringComparison.Ordinal))
            sql = sql.Replace("position = @to", "position = position", StringComparison.Ordinal);
        return base.ReaderAsync(sql, args);
    }

    public override ValueTask SelectAsync(string select, int count, Column[] keys, Action<RowReader> row)
    {
        database.Check();
        if (database.Mutant == Mutant.ForgetDedup && Mutants.IsDedup(select)) return ValueTask.CompletedTask;
        if (database.Mutant == Mutant.PromiseBlindly) select = select.Replace("- promised + released FROM allotments", "FROM allotments", StringComparison.Ordinal);
        return base.SelectAsync(select, count, keys, row);
    }

    public override ValueTask InsertAsync(string table, int count, params Column[] columns) =>
        database.Mutant == Mutant.ForgetDedup && table is "order_keys" or "idempotency_keys"
            ? UpsertAsync(table, table == "order_keys" ? "channel, external_id" : "key_hash", "", count, columns)
            : base.InsertAsync(table, count, columns);

    public override async ValueTask UpdateAsync(string table, string set, int count, Column[] keys, params Column[] values)
    {
        if (database.Mutant == Mutant.KeepLossesQuiet && set.Contains("withdrawn = k.withdrawn", StringComparison.Ordinal)) return;
        await base.UpdateAsync(table, set, count, keys, values);
        if (database.Mutant == Mutant.ReleaseTwice && set.Contains("allotments.released + k.units", StringComparison.Ordinal)) await base.UpdateAsync(table, set, count, keys, values);
    }
}
