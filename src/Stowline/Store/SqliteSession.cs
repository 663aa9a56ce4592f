using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Stowline.Store;

/// <summary>
/// A SQLite connection. Ordinary statements go through ADO.NET, whole sets through raw prepared statements on the same connection. What a transaction writes may be put off
/// (<see cref="WriteLater"/>) until it reads or commits, or until it is sent (<see cref="SendAsync"/>): then another thread writes it.
/// </summary>
internal class SqliteSession(SqliteConnection connection) : SqlSession(connection)
{
    /// <summary>A statement that is put off.</summary>
    private sealed record Step(Action Run)
    {
        /// <summary>How much it has to do.</summary>
        public int Rows { get; init; } = 1;

        /// <summary>It hands rows out.</summary>
        public bool HasRows { get; init; }

        /// <summary>It is the COMMIT of <see cref="CommitLater"/>.</summary>
        public bool Commits { get; init; }
    }

    private readonly SqliteConnection _connection = connection;
    private readonly Dictionary<string, SqliteStatement> _statements = new(StringComparer.Ordinal);
    private readonly List<Step> _later = [];
    private bool _putsOff;
    private Task? _underway;
    private TaskCompletionSource? _half;
    private bool _commitsUnderway;

    public override Dialect Dialect => Dialect.Sqlite;

    public override ValueTask BeginAsync(bool snapshot, CancellationToken ct)
    {
        // IMMEDIATE takes the write lock at once: no half-way upgrade that could fail with BUSY after reads were made.
        var begin = snapshot ? "BEGIN" : "BEGIN IMMEDIATE";
        if (IsBusy) PutOff(() => Statement(begin).Run());
        else Statement(begin).Run();
        return ValueTask.CompletedTask;
    }

    public override async ValueTask CommitAsync()
    {
        await FlushAsync();
        Statement("COMMIT").Run();
        _putsOff = false;
    }

    public override Task CommitLater(Action onMade)
    {
        _later.Add(new Step(() => Statement("COMMIT").Run()) { Commits = true });
        _putsOff = false;
        return PutOffCommit(onMade);
    }

    public override async ValueTask RollbackAsync()
    {
        await IgnoreSentAsync();
        _later.Clear();
        CommitFailed(new InvalidOperationException("the commit was given up before it was made"));
        _putsOff = false;
        // After some errors (disk full, I/O) SQLite has already rolled back by itself.
        if (raw.sqlite3_get_autocommit(_connection.Handle) == 0) Statement("ROLLBACK").Run();
    }

    // ---- what is put off

    public override void WriteLater() => _putsOff = true;

    private void PutOff(Action run, int rows = 1) => _later.Add(new Step(run) { Rows = rows });

    /// <summary>Something stands before the next statement.</summary>
    private bool IsBusy => _later.Count > 0 || _underway is not null;

    public override ValueTask FlushAsync() => IsBusy ? FlushAllAsync() : ValueTask.CompletedTask;

    private async ValueTask FlushAllAsync()
    {
        await SettleAsync();
        RunHere(_later.Count);
    }

    public override ValueTask SendAsync()
    {
        if (_underway is not null) return ValueTask.CompletedTask; // one thread at a time
        var rows = _later.FindIndex(s => s.HasRows); // whoever waits for rows takes them where he is
        var steps = _later[..(rows < 0 ? _later.Count : rows)].ToArray();
        if (steps.Length == 0) return ValueTask.CompletedTask;
        _later.RemoveRange(0, steps.Length);
        _commitsUnderway = Array.Exists(steps, s => s.Commits);
        _half = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _underway = Launch(() => RunThere(steps));
        return ValueTask.CompletedTask;
    }

    private void RunThere(Step[] steps)
    {
        try
        {
            var rest = steps.Sum(s => s.Rows) / 2;
            foreach (var step in steps)
            {
                step.Run();
                if ((rest -= step.Rows) <= 0) SayHalfDone();
            }
        }
        finally
        {
            SayHalfDone();
        }
    }

    /// <summary>To be called by whoever does what was sent, also when he gives up.</summary>
    protected void SayHalfDone() => _half?.TrySetResult();

    /// <summary>Has it done on another thread.</summary>
    protected virtual Task Launch(Action work) => Task.Run(work);

    public override Task HalfDone => _half?.Task ?? Task.CompletedTask;
    public override bool IsUnderway => _underway is { IsCompleted: false };

    public override async ValueTask HearAsync()
    {
        await SettleAsync();
        RunHere(_later.FindLastIndex(s => s.HasRows) + 1);
    }

    protected override async ValueTask SettleAsync()
    {
        if (_underway is not { } underway) return;
        try
        {
            await underway;
        }
        catch (Exception e)
        {
            Spoil(e);
            throw;
        }
        finally
        {
            _underway = null;
            _half = null;
        }
        if (_commitsUnderway) CommitMade();
    }

    /// <summary>Takes the first steps of what is put off, in order.</summary>
    private void RunHere(int count)
    {
        if (count == 0) return;
        var steps = _later[..count];
        _later.RemoveRange(0, count);
        try
        {
            foreach (var step in steps)
            {
                step.Run();
                if (step.Commits) CommitMade();
            }
        }
        catch (Exception e)
        {
            Spoil(e);
            throw;
        }
    }

    /// <summary>SQLite would let a transaction go on whose statement has failed, and what stood behind that would be missing. Nothing but to roll back is left.</summary>
    private void Spoil(Exception cause)
    {
        CommitFailed(cause);
        _later.Clear();
        PutOff(() => throw new InvalidOperationException("a statement of this transaction has failed", cause));
    }

    public override ValueTask WriteAsync(string sql, object? args = null) => WriteAsync(() => Prepare(sql, args).ExecuteNonQuery());

    private ValueTask WriteAsync(Action write, int rows = 1)
    {
        if (_putsOff || IsBusy)
        {
            PutOff(write, rows);
            return _putsOff && _later.Count < MostLater ? ValueTask.CompletedTask : FlushAllAsync();
        }
        write();
        return ValueTask.CompletedTask;
    }

    protected override ValueTask<DbDataReader> ReaderAsync(string sql, object? args) => IsBusy ? FlushAndReadAsync(sql, args) : base.ReaderAsync(sql, args);

    private async ValueTask<DbDataReader> FlushAndReadAsync(string sql, object? args)
    {
        await FlushAsync();
        return await base.ReaderAsync(sql, args);
    }

    public override ValueTask InsertAsync(string table, int count, params Column[] columns)
    {
        if (count == 0) return ValueTask.CompletedTask;
        return WriteAsync(() => RunEach($"INSERT INTO {table} ({Names(columns)}) VALUES ({Marks(columns)})", count, columns), count);
    }

    public override ValueTask UpsertAsync(string table, string conflict, string update, int count, params Column[] columns)
    {
        if (count == 0) return ValueTask.CompletedTask;
        return WriteAsync(() => RunEach(
            $"INSERT INTO {table} ({Names(columns)}) VALUES ({Marks(columns)}) ON CONFLICT ({conflict}) DO {(update.Length == 0 ? "NOTHING" : "UPDATE SET " + update)}", count, columns), count);
    }

    public override ValueTask UpdateAsync(string table, string set, int count, Column[] keys, params Column[] values)
    {
        if (count == 0) return ValueTask.CompletedTask;
        return WriteAsync(() =>
        {
            Column[] all = [.. keys, .. values];
            var where = string.Join(" AND ", keys.Select((k, i) => $"{k.Name} = ?{i + 1}"));
            RunEach($"UPDATE {table} SET {ReplaceMarks(set, all)} WHERE {where}", count, all);
        }, count);
    }

    public override ValueTask SelectAsync(string select, int count, Column[] keys, Action<RowReader> row)
    {
        if (IsBusy) return FlushAndSelectAsync(select, count, keys, row);
        RunSelect(select, count, keys, row);
        return ValueTask.CompletedTask;
    }

    private async ValueTask FlushAndSelectAsync(string select, int count, Column[] keys, Action<RowReader> row)
    {
        await FlushAsync();
        RunSelect(select, count, keys, row);
    }

    public override ValueTask SelectLaterAsync(params SetSelect[] selects)
    {
        if (!_putsOff) return SelectAllAsync(selects);
        foreach (var s in selects) _later.Add(new Step(() => RunSelect(s.Sql, s.Count, s.Keys, s.Row)) { HasRows = true });
        return ValueTask.CompletedTask;
    }

    private void RunSelect(string select, int count, Column[] keys, Action<RowReader> row)
    {
        var statement = Statement(select, keys);
        for (var r = 0; r < count; r++)
        {
            statement.Bind(keys, r);
            try
            {
                while (statement.Step()) row(statement);
            }
            finally
            {
                statement.Reset();
            }
        }
    }

    private void RunEach(string sql, int count, Column[] columns)
    {
        var statement = Statement(sql);
        for (var r = 0; r < count; r++)
        {
            statement.Bind(columns, r);
            statement.Run();
        }
    }

    private SqliteStatement Statement(string sql, Column[]? keys = null)
    {
        if (_statements.TryGetValue(sql, out var statement)) return statement;
        if (_statements.Count >= 300)
        {
            foreach (var old in _statements.Values) old.Dispose();
            _statements.Clear();
        }
        statement = new SqliteStatement(_connection.Handle!, keys is null ? sql : ReplaceMarks(sql, keys));
        _statements[sql] = statement;
        return statement;
    }

    /// <summary>Turns <c>k.name</c> into the column's numbered mark.</summary>
    private static string ReplaceMarks(string sql, Column[] columns)
    {
        for (var i = 0; i < columns.Length; i++)
            sql = System.Text.RegularExpressions.Regex.Replace(sql, $@"\bk\.{columns[i].Name}\b", "?" + (i + 1).ToString(CultureInfo.InvariantCulture));
        return sql;
    }

    private static string Names(Column[] columns) => string.Join(", ", columns.Select(c => c.Name));
    private static string Marks(Column[] columns) => string.Join(", ", columns.Select((_, i) => "?" + (i + 1).ToString(CultureInfo.InvariantCulture)));

    public override async ValueTask<IReadOnlyList<string>> TablesAsync() =>
        await QueryAsync<string>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid");

    public override async ValueTask<long> WriteTableAsync(string table, IReadOnlyList<string> columns, IAsyncEnumerable<object?[]> rows)
    {
        await FlushAsync();
        using var statement = new SqliteStatement(_connection.Handle!,
            $"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", columns.Select(_ => "?"))})");
        long count = 0;
        await foreach (var row in rows)
        {
            statement.Bind(row);
            statement.Run();
            count++;
        }
        return count;
    }

    protected override void SetValue(DbParameter parameter, object? value, Type type) => parameter.Value = value switch
    {
        null => DBNull.Value,
        Guid guid => guid.ToString(),
        DateTimeOffset time => RowTypes.Text(time),
        DateOnly date => date.ToString(RowTypes.DateFormat, CultureInfo.InvariantCulture),
        bool flag => flag ? 1L : 0L,
        Enum member => Convert.ToInt64(member, CultureInfo.InvariantCulture),
        _ => value,
    };

    public override async ValueTask DisposeAsync()
    {
        await IgnoreSentAsync();
        foreach (var statement in _statements.Values) statement.Dispose();
        _statements.Clear();
        await base.DisposeAsync();
    }
}
