using System.Data.Common;
using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Stowline.Store;

namespace Stowline.Adapters;

/// <summary>A PostgreSQL connection. Whole sets travel as arrays; writes whose count nobody needs are sent together.</summary>
internal sealed class PostgresSession(NpgsqlConnection connection, NpgsqlDataSource source) : SqlSession(connection)
{
    /// <summary>A batch that is on its way, and whose rows are for later.</summary>
    private sealed record Sent(Task<NpgsqlDataReader> Reader, SetSelect[] Asked);

    private readonly NpgsqlConnection _connection = connection;
    private bool _inTransaction;
    private NpgsqlBatch? _later;
    private readonly List<SetSelect> _asked = [];
    private readonly StatementTexts _texts = new();
    private Task? _writing;
    private Sent? _sent;

    public override Dialect Dialect => Dialect.Postgres;

    /// <summary>
    /// BEGIN, what is put off, and COMMIT travel together with their neighbors: a group costs as many round trips as it has reads, plus one.
    /// So the transaction is ours to begin and end, not the driver's.
    /// </summary>
    public override ValueTask BeginAsync(bool snapshot, CancellationToken ct)
    {
        _inTransaction = true;
        Later(snapshot ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : "BEGIN ISOLATION LEVEL READ COMMITTED");
        return ValueTask.CompletedTask;
    }

    /// <summary>If anything that travels with the COMMIT fails, PostgreSQL skips the rest of the batch, the COMMIT too.</summary>
    public override async ValueTask CommitAsync()
    {
        Later("COMMIT");
        await FlushAsync();
        _inTransaction = false;
    }

    public override Task CommitLater(Action onMade)
    {
        Later("COMMIT");
        _inTransaction = false;
        return PutOffCommit(onMade);
    }

    public override async ValueTask RollbackAsync()
    {
        await IgnoreSentAsync();
        _later = null;
        _asked.Clear();
        CommitFailed(new InvalidOperationException("the commit was given up before it was sent"));
        if (!_inTransaction) return;
        _inTransaction = false;
        Later("ROLLBACK"); // only a warning where BEGIN was never sent
        await FlushAsync();
    }

    /// <summary>
    /// Npgsql notices broken connections, but not a server that lives on as a read-only standby after a fail-over: its connections would be
    /// handed out for ever.
    /// </summary>
    public override async ValueTask DiscardAsync()
    {
        source.Clear();
        await DisposeAsync();
    }

    public override ValueTask WriteAsync(string sql, object? args = null)
    {
        Later(sql, args);
        return FlushIfDueAsync();
    }

    private NpgsqlBatchCommand Later(string sql, object? args = null)
    {
        _later ??= new NpgsqlBatch(_connection);
        var command = _later.CreateBatchCommand();
        command.CommandText = sql;
        _later.BatchCommands.Add(command);
        if (args is null) return command;
        using var carrier = new NpgsqlCommand();
        Bind(carrier, args);
        foreach (var parameter in carrier.Parameters.ToArray())
        {
            carrier.Parameters.Remove(parameter);
            command.Parameters.Add(parameter);
        }
        return command;
    }

    private ValueTask FlushIfDueAsync() => !_inTransaction || _later is { BatchCommands.Count: >= MostLater } ? FlushAsync() : ValueTask.CompletedTask;

    public override async ValueTask FlushAsync()
    {
        if (_asked.Count > 0)
        {
            await using var rows = await ReadLaterAsync();
            return;
        }
        await SettleAsync();
        if (_later is null) return;
        await using var batch = _later;
        _later = null;
        try
        {
            await batch.ExecuteNonQueryAsync();
        }
        catch (Exception e)
        {
            CommitFailed(e);
            throw;
        }
        CommitMade();
    }

    public override async ValueTask StartWritingAsync()
    {
        await HearAsync();
        if (_later is null || _asked.Count > 0) return; // what has rows to read waits for its reader
        var batch = _later;
        _later = null;
        _writing = RunAsync(batch, after: _writing);
        // Callers of the group before, answered meanwhile, wait behind this thread where no other one woke up: now is time for them, and they fill the next group.
        await Task.Yield();
    }

    private static async Task RunAsync(NpgsqlBatch batch, Task? after)
    {
        await using (batch)
        {
            if (after is not null) await after;
            await batch.ExecuteNonQueryAsync();
        }
    }

    public override async ValueTask SendAsync()
    {
        await SettleAsync();
        if (_later is not null) _sent = Launch();
    }

    private Sent Launch()
    {
        var sent = new Sent(_later!.ExecuteReaderAsync(), [.. _asked]);
        _later = null;
        _asked.Clear();
        return sent;
    }

    public override async ValueTask HearAsync()
    {
        if (_sent is not { } sent) return;
        _sent = null;
        await using var rows = await HandOutAsync(sent);
    }

    protected override async ValueTask SettleAsync()
    {
        await HearAsync();
        if (_writing is not { } writing) return;
        _writing = null;
        try
        {
            await writing;
        }
        catch (Exception e)
        {
            CommitFailed(e);
            throw;
        }
    }

    /// <summary>What was put off has no rows of its own, so the reader of the whole batch stands on the last statement's.</summary>
    protected override async ValueTask<DbDataReader> ReaderAsync(string sql, object? args)
    {
        await SettleAsync();
        if (_later is null) return await base.ReaderAsync(sql, args);
        Later(sql, args);
        return await ReadLaterAsync();
    }

    public override async ValueTask AskAsync(params Question[] questions)
    {
        if (questions.Length == 0) return;
        await SettleAsync();
        foreach (var question in questions) Later(question.Sql, question.Args);
        await using var reader = await ReadLaterAsync();
        for (var i = 0; i < questions.Length; i++)
        {
            if (i > 0) await reader.NextResultAsync();
            await questions[i].TakeAsync(this, reader);
        }
    }

    /// <summary>Sends what was put off, hands out the rows of the selects among it, and stands on the result of the statement behind them.</summary>
    private async ValueTask<NpgsqlDataReader> ReadLaterAsync()
    {
        await SettleAsync();
        return await HandOutAsync(Launch());
    }

    private async ValueTask<NpgsqlDataReader> HandOutAsync(Sent sent)
    {
        NpgsqlDataReader reader;
        try
        {
            reader = await sent.Reader;
        }
        catch (Exception e)
        {
            CommitFailed(e);
            throw;
        }
        try
        {
            CommitMade();
            var rows = new Reader(reader);
            foreach (var select in sent.Asked)
            {
                while (await reader.ReadAsync()) select.Row(rows);
                await reader.NextResultAsync();
            }
            return reader;
        }
        catch
        {
            await reader.DisposeAsync();
            throw;
        }
    }

    public override ValueTask InsertAsync(string table, int count, params Column[] columns)
    {
        if (count == 0) return ValueTask.CompletedTask;
        return LaterAsync(_texts.Of(table, "", columns, static (t, _, c) => $"INSERT INTO {t} ({Names(c)}) SELECT * FROM {Unnest(c)}"), count, columns);
    }

    public override ValueTask UpsertAsync(string table, string conflict, string update, int count, params Column[] columns)
    {
        if (count == 0) return ValueTask.CompletedTask;
        var text = _texts.Of(table, conflict + " DO " + update, columns, (t, _, c) => $"INSERT INTO {t} ({Names(c)}) SELECT * FROM {Unnest(c)} ON CONFLICT ({conflict}) DO " +
                                                                                     (update.Length == 0 ? "NOTHING" : "UPDATE SET " + update));
        return LaterAsync(text, count, columns);
    }

    public override ValueTask UpdateAsync(string table, string set, int count, Column[] keys, params Column[] values)
    {
        if (count == 0) return ValueTask.CompletedTask;
        Column[] all = [.. keys, .. values];
        return LaterAsync(_texts.Of(table, set, all, (t, s, c) =>
            $"UPDATE {t} SET {s} FROM {Unnest(c)} WHERE {string.Join(" AND ", keys.Select(k => $"{t}.{k.Name} = k.{k.Name}"))}"), count, all);
    }

    public override ValueTask SelectAsync(string select, int count, Column[] keys, Action<RowReader> row) => SelectAllAsync(new SetSelect(select, count, keys, row));

    public override async ValueTask SelectAllAsync(params SetSelect[] selects)
    {
        var before = _asked.Count;
        PutOff(selects);
        if (_asked.Count == before) return;
        await using var rows = await ReadLaterAsync();
    }

    public override ValueTask SelectLaterAsync(params SetSelect[] selects)
    {
        PutOff(selects);
        return FlushIfDueAsync();
    }

    private void PutOff(SetSelect[] selects)
    {
        foreach (var s in selects)
        {
            if (s.Count == 0) continue;
            Later(_texts.Of("", s.Sql, s.Keys, static (_, sql, c) => $"SELECT r.* FROM {Unnest(c)} CROSS JOIN LATERAL ({sql}) AS r"), s.Count, s.Keys);
            _asked.Add(s);
        }
    }

    private ValueTask LaterAsync(string sql, int count, Column[] columns)
    {
        Later(sql, count, columns);
        return FlushIfDueAsync();
    }

    private void Later(string sql, int count, Column[] columns)
    {
        var command = Later(sql);
        // The type is said, because the driver would guess it from the first element, which may be null.
        foreach (var column in columns)
            command.Parameters.Add(new NpgsqlParameter { Value = PostgresTypes.ArrayOf(column, count), NpgsqlDbType = NpgsqlDbType.Array | PostgresTypes.DbType(Nullable.GetUnderlyingType(column.ValueType) ?? column.ValueType) });
    }

    /// <summary><c>unnest($1::uuid[], $2::text[]) AS k(id, sku)</c></summary>
    private static string Unnest(Column[] columns) =>
        $"unnest({string.Join(", ", columns.Select((c, i) => $"${i + 1}::{PostgresTypes.NameOf(c.ValueType)}[]"))}) AS k({Names(columns)})";

    /// <summary>Tables, the partitions of a table counting as the table; by oid, which is the order in which they were made.</summary>
    public override async ValueTask<IReadOnlyList<string>> TablesAsync() => await QueryAsync<string>("""
        SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        ORDER BY c.oid
        """);

    public override async ValueTask<long> WriteTableAsync(string table, IReadOnlyList<string> columns, IAsyncEnumerable<object?[]> rows)
    {
        await FlushAsync();
        var types = await PostgresCopy.TypesAsync(_connection, table, columns);
        await using var importer = await _connection.BeginBinaryImportAsync($"COPY {table} ({string.Join(", ", columns)}) FROM STDIN (FORMAT BINARY)");
        await foreach (var row in rows)
        {
            await importer.StartRowAsync();
            for (var i = 0; i < row.Length; i++) await PostgresCopy.WriteAsync(importer, row[i], types[i]);
        }
        return (long)await importer.CompleteAsync();
    }

    private static string Names(Column[] columns) => string.Join(", ", columns.Select(c => c.Name));

    protected override void SetValue(DbParameter parameter, object? value, Type type)
    {
        switch (value)
        {
            case null:
                parameter.Value = DBNull.Value;
                ((NpgsqlParameter)parameter).NpgsqlDbType = PostgresTypes.DbType(Nullable.GetUnderlyingType(type) ?? type);
                break;
            case DateTimeOffset time: parameter.Value = time.UtcDateTime; break;
            case Enum member: parameter.Value = Convert.ToInt32(member, CultureInfo.InvariantCulture); break;
            default: parameter.Value = value; break;
        }
    }

    private sealed class Reader(NpgsqlDataReader reader) : RowReader
    {
        public override bool IsNull(int column) => reader.IsDBNull(column);
        public override string GetString(int column) => reader.GetString(column);
        public override long GetInt64(int column) => reader.GetFieldType(column) == typeof(int) ? reader.GetInt32(column)
            : reader.GetFieldType(column) == typeof(bool) ? reader.GetBoolean(column) ? 1 : 0 : reader.GetInt64(column);
        public override double GetDouble(int column) => reader.GetDouble(column);
        public override Guid GetGuid(int column) => reader.GetGuid(column);
        public override byte[] GetBytes(int column) => reader.GetFieldValue<byte[]>(column);
        public override DateTimeOffset GetTime(int column) => new(reader.GetDateTime(column), TimeSpan.Zero);
        public override ReadOnlySpan<byte> GetSpan(int column) => GetBytes(column);
    }
}
