using System.Collections.Concurrent;
using System.Data.Common;
using System.Reflection;
using Dapper;

namespace Stowline.Store;

/// <summary>
/// One connection with its prepared statements. Queries are written by hand, arguments come as an anonymous object whose property names
/// are the <c>@names</c> of the statement, rows are materialized by Dapper's row parsers.
///
/// Why not Dapper's own <c>QueryAsync</c>: it makes a command per call, and Microsoft.Data.Sqlite prepares it each time; on the accept
/// path that is the difference between 4,800 and 16,000 orders/s. Keeping the command keeps the plan.
/// </summary>
public abstract class SqlSession : IAsyncDisposable
{
    /// <summary>A COMMIT among what is put off.</summary>
    private sealed record LaterCommit(TaskCompletionSource Known, Action OnMade);

    /// <summary>So many statements are put off at most.</summary>
    protected const int MostLater = 200;

    private readonly Dictionary<string, DbCommand> _commands = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Sql, Type Row), Delegate> _parsers = [];
    private LaterCommit? _commit;

    static SqlSession() => RowTypes.Register();

    protected SqlSession(DbConnection connection) => Connection = connection;

    protected DbConnection Connection { get; }
    public abstract Dialect Dialect { get; }

    /// <summary>Starts a transaction. <paramref name="snapshot"/>: for reads that must fit together, otherwise for writing.</summary>
    public abstract ValueTask BeginAsync(bool snapshot, CancellationToken ct);
    public abstract ValueTask CommitAsync();
    public abstract ValueTask RollbackAsync();

    public async ValueTask<IReadOnlyList<T>> QueryAsync<T>(string sql, object? args = null)
    {
        await using var reader = await ReaderAsync(sql, args);
        var rows = new List<T>();
        if (!await reader.ReadAsync()) return rows;
        var parse = Parser<T>(sql, reader);
        do rows.Add(parse(reader)); while (await reader.ReadAsync());
        return rows;
    }

    public async ValueTask<T?> FindAsync<T>(string sql, object? args = null)
    {
        await using var reader = await ReaderAsync(sql, args);
        return await reader.ReadAsync() ? Parser<T>(sql, reader)(reader) : default;
    }

    /// <summary>Asks several queries at once, none of which needs another's answer.</summary>
    public virtual async ValueTask AskAsync(params Question[] questions)
    {
        foreach (var question in questions)
        {
            await using var reader = await ReaderAsync(question.Sql, question.Args);
            await question.TakeAsync(this, reader);
        }
    }

    /// <summary>Opens a reader on a statement's rows, after all that was put off.</summary>
    protected virtual async ValueTask<DbDataReader> ReaderAsync(string sql, object? args) => await Prepare(sql, args).ExecuteReaderAsync();

    /// <summary>Executes a statement and answers the number of rows it changed.</summary>
    public async ValueTask<int> ExecuteAsync(string sql, object? args = null)
    {
        await FlushAsync();
        return await Prepare(sql, args).ExecuteNonQueryAsync();
    }

    /// <summary>
    /// Executes a statement whose count nobody needs. It may be put off and sent later, together with others, but before the next statement that reads and before the commit: on PostgreSQL always, on SQLite where
    /// <see cref="WriteLater"/> was said.
    /// </summary>
    public abstract ValueTask WriteAsync(string sql, object? args = null);

    /// <summary>Reads rows one by one without holding them in memory: for exports, verification and backups of any size.</summary>
    public async IAsyncEnumerable<T> StreamAsync<T>(string sql, object? args = null)
    {
        await FlushAsync();
        await using var command = Connection.CreateCommand();
        command.CommandText = sql;
        Bind(command, args);
        await using var reader = await command.ExecuteReaderAsync();
        Func<DbDataReader, T>? parse = null;
        while (await reader.ReadAsync())
        {
            parse ??= Parser<T>(sql, reader);
            yield return parse(reader);
        }
    }

    /// <summary>Runs a script of several statements without arguments, as a migration does.</summary>
    public async ValueTask ScriptAsync(string sql)
    {
        await FlushAsync();
        await using var command = Connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>What the transaction that has just begun writes may be put off, also where that alone gains nothing: so it can be sent while something else is done.</summary>
    public virtual void WriteLater() { }

    /// <summary>Sends what <see cref="WriteAsync"/> has put off.</summary>
    public abstract ValueTask FlushAsync();

    /// <summary>
    /// Commits together with the next statement that reads, which belongs to a transaction begun behind this one. <paramref name="onMade"/> is called when the
    /// commit is made, before that statement's rows are handed out.
    /// </summary>
    /// <returns>Ends when the commit is made; fails where that is not known.</returns>
    public abstract Task CommitLater(Action onMade);

    /// <summary>For <see cref="CommitLater"/> where that does not commit at once.</summary>
    protected Task PutOffCommit(Action onMade)
    {
        _commit = new LaterCommit(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), onMade);
        return _commit.Known.Task;
    }

    /// <summary>To be called with every failure of what was put off.</summary>
    protected void CommitFailed(Exception cause)
    {
        _commit?.Known.TrySetException(cause);
        _commit = null;
    }

    /// <summary>To be called when what was put off has been done, before any row of it is handed out.</summary>
    protected void CommitMade()
    {
        if (_commit is not { } commit) return;
        _commit = null;
        try
        {
            commit.OnMade();
        }
        finally
        {
            commit.Known.TrySetResult();
        }
    }

    /// <summary>Sends what was put off without waiting for it: the database works while the caller does. A failure shows at the next statement.</summary>
    public virtual ValueTask StartWritingAsync() => ValueTask.CompletedTask;

    /// <summary>
    /// Sends what was put off, the questions among it too, and does not wait: the database works while the caller does something else. Rows are handed out at the next statement
    /// or at <see cref="HearAsync"/>, whichever comes first; failures show there.
    /// </summary>
    public abstract ValueTask SendAsync();

    /// <summary>Ends when about half of what <see cref="SendAsync"/> has sent is done, where that can be told. Never fails.</summary>
    public virtual Task HalfDone => Task.CompletedTask;

    /// <summary>What <see cref="SendAsync"/> has sent is not done yet, where that can be told.</summary>
    public virtual bool IsUnderway => false;

    /// <summary>Waits for what <see cref="SendAsync"/> has sent, if that was not heard yet.</summary>
    public abstract ValueTask HearAsync();

    /// <summary>Waits for whatever is on its way; its failure is the caller's.</summary>
    protected abstract ValueTask SettleAsync();

    /// <summary>What is on its way ends, well or not: the connection takes no other statement before. A COMMIT in it is told to whoever waits for it.</summary>
    protected async ValueTask IgnoreSentAsync()
    {
        try
        {
            await SettleAsync();
        }
        catch (Exception)
        {
            // what failed is given up with the rest
        }
    }

    // ---- whole sets of rows: prepared and looped on SQLite, unnest on PostgreSQL. Like WriteAsync, writing may be put off until the next
    // statement that reads, so that a group's writes travel together.

    /// <summary>Inserts <paramref name="count"/> rows; column i of row r is <c>columns[i]</c> at r.</summary>
    public abstract ValueTask InsertAsync(string table, int count, params Column[] columns);

    /// <summary>Updates rows by key: <paramref name="set"/> is SQL in which <c>k.name</c> is the row's value; the table's own
    /// columns are qualified, because both databases accept that: <c>promised = allotments.promised + k.units</c>.</summary>
    public abstract ValueTask UpdateAsync(string table, string set, int count, Column[] keys, params Column[] values);

    /// <summary>Inserts or, where the key exists, updates: <paramref name="update"/> as after <c>DO UPDATE SET</c>, with <c>excluded.name</c>.</summary>
    public abstract ValueTask UpsertAsync(string table, string conflict, string update, int count, params Column[] columns);

    /// <summary>Several set-based SELECTs at once: on PostgreSQL they travel together. Each calls its own row action, in order.</summary>
    public virtual async ValueTask SelectAllAsync(params SetSelect[] selects)
    {
        foreach (var s in selects) await SelectAsync(s.Sql, s.Count, s.Keys, s.Row);
    }

    /// <summary>Selects whose rows nobody needs yet: where statements are put off, they are asked with the next that reads, or with <see cref="FlushAsync"/>.</summary>
    public abstract ValueTask SelectLaterAsync(params SetSelect[] selects);

    /// <summary>
    /// For each of <paramref name="count"/> keys runs a SELECT in which <c>k.name</c> stands for the key's value, and calls
    /// <paramref name="row"/> for every row found. Rows of one key come together; PostgreSQL promises no order among keys.
    /// </summary>
    public abstract ValueTask SelectAsync(string select, int count, Column[] keys, Action<RowReader> row);

    // ---- whole tables, for backup and restore

    /// <summary>The tables of this database, in the order in which they were made.</summary>
    public abstract ValueTask<IReadOnlyList<string>> TablesAsync();

    /// <summary>
    /// Reads a table row by row. Values come in the one portable form: null, long, double, text (ids, times and dates as <see cref="RowTypes"/>
    /// writes them) or bytes, so that what one database wrote the other can take.
    /// </summary>
    public IAsyncEnumerable<object?[]> ReadTableAsync(string table, IReadOnlyList<string> columns) => ReadRowsAsync($"SELECT {string.Join(", ", columns)} FROM {table}");

    /// <summary>As <see cref="ReadTableAsync"/>, of whatever a statement selects.</summary>
    public async IAsyncEnumerable<object?[]> ReadRowsAsync(string sql, object? args = null)
    {
        await FlushAsync();
        await using var command = Connection.CreateCommand();
        command.CommandText = sql;
        Bind(command, args);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var row = new object?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++) row[i] = RowTypes.ToPortable(reader.GetValue(i));
            yield return row;
        }
    }

    public async ValueTask<IReadOnlyList<string>> ColumnsAsync(string table)
    {
        await FlushAsync();
        await using var command = Connection.CreateCommand();
        command.CommandText = $"SELECT * FROM {table} LIMIT 0";
        await using var reader = await command.ExecuteReaderAsync();
        return [.. Enumerable.Range(0, reader.FieldCount).Select(reader.GetName)];
    }

    /// <summary>Fills a table with rows in the portable form, as fast as the database can. Answers how many.</summary>
    public abstract ValueTask<long> WriteTableAsync(string table, IReadOnlyList<string> columns, IAsyncEnumerable<object?[]> rows);

    /// <summary>Ends the session for good after infrastructure was lost: a pool must not hand its connection out again.</summary>
    public virtual ValueTask DiscardAsync() => DisposeAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await IgnoreSentAsync();
        CommitFailed(new ObjectDisposedException(nameof(SqlSession)));
        foreach (var command in _commands.Values) await command.DisposeAsync();
        _commands.Clear();
        await Connection.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected DbCommand Prepare(string sql, object? args)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            if (_commands.Count >= 500) ForgetCommands(); // a bound, should some caller build SQL text by hand
            command = Connection.CreateCommand();
            command.CommandText = sql;
            _commands[sql] = command;
        }
        Bind(command, args);
        return command;
    }

    private void ForgetCommands()
    {
        foreach (var command in _commands.Values) command.Dispose();
        _commands.Clear();
    }

    protected void Bind(DbCommand command, object? args)
    {
        if (args is null) return;
        var members = ArgumentList.Of(args.GetType());
        if (command.Parameters.Count != members.Length)
        {
            command.Parameters.Clear();
            foreach (var member in members)
            {
                var parameter = command.CreateParameter();
                parameter.ParameterName = member.Name;
                command.Parameters.Add(parameter);
            }
        }
        for (var i = 0; i < members.Length; i++) SetValue(command.Parameters[i], members[i].Get(args), members[i].Type);
    }

    /// <summary>Gives a parameter its value in the form this database stores.</summary>
    protected abstract void SetValue(DbParameter parameter, object? value, Type type);

    internal Func<DbDataReader, T> Parser<T>(string sql, DbDataReader reader)
    {
        var key = (sql, typeof(T));
        if (_parsers.TryGetValue(key, out var known)) return (Func<DbDataReader, T>)known;
        // A single value is converted by us: Dapper's parser for one hands back what the driver gave, an Int64 where an Int32 was asked for.
        var parse = Scalar.Is(typeof(T)) ? r => Scalar.Read<T>(r) : reader.GetRowParser<T>();
        _parsers[key] = parse;
        return parse;
    }

    /// <summary>The properties of an argument object, read once per type.</summary>
    private sealed class ArgumentList(string name, Type type, Func<object, object?> get)
    {
        private static readonly ConcurrentDictionary<Type, ArgumentList[]> Known = new();

        public string Name => name;
        public Type Type => type;
        public Func<object, object?> Get => get;

        public static ArgumentList[] Of(Type type) => Known.GetOrAdd(type, static t =>
            [.. t.GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(p => new ArgumentList("@" + p.Name, p.PropertyType, Getter(p)))]);

        private static Func<object, object?> Getter(PropertyInfo property)
        {
            var target = System.Linq.Expressions.Expression.Parameter(typeof(object));
            var read = System.Linq.Expressions.Expression.Property(System.Linq.Expressions.Expression.Convert(target, property.DeclaringType!), property);
            return System.Linq.Expressions.Expression.Lambda<Func<object, object?>>(
                System.Linq.Expressions.Expression.Convert(read, typeof(object)), target).Compile();
        }
    }
}
