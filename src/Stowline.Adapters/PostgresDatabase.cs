using System.Net.Sockets;
using Npgsql;
using Stowline.Store;

namespace Stowline.Adapters;

/// <summary>PostgreSQL 13 or later. Any number of processes may share one database; the head rows of the lanes order them.</summary>
public sealed class PostgresDatabase : Database
{
    /// <summary>
    /// A writer's statements look rows up by key, in sets. Without statistics, and new tables have none, the planner would rather hash whole
    /// tables: fast while they are small, and slower with every order. So writers walk indices, with plans made once.
    /// </summary>
    private const string WriterOptions = "-c jit=off -c enable_hashjoin=off -c enable_mergejoin=off -c enable_seqscan=off -c plan_cache_mode=force_generic_plan";

    private const int UsualPool = 40;

    /// <summary>Connections for writing that are not the lanes' writers': migrations, partitions and the like.</summary>
    private const int Spare = 2;

    private readonly NpgsqlDataSource _source;
    private readonly NpgsqlDataSource _writers;
    private readonly string _connection;

    /// <param name="connection"><c>postgres://user:password@host:port/database?…</c> or an Npgsql connection string.</param>
    public PostgresDatabase(string connection, TimeProvider time) : this(Complete(connection), time)
    {
    }

    private PostgresDatabase(NpgsqlConnectionStringBuilder builder, TimeProvider time) : base(time, builder.MaxPoolSize, Math.Max(1, builder.MaxPoolSize - Spare))
    {
        Address = $"{builder.Host}:{builder.Port}/{builder.Database}";
        _connection = builder.ToString();
        _source = new NpgsqlDataSourceBuilder(_connection).Build();
        builder.Options = WriterOptions;
        _writers = new NpgsqlDataSourceBuilder(builder.ToString()).Build();
    }

    private static NpgsqlConnectionStringBuilder Complete(string connection)
    {
        var builder = new NpgsqlConnectionStringBuilder(Parse(connection))
        {
            MaxAutoPrepare = 200, AutoPrepareMinUsages = 2, Enlist = false, NoResetOnClose = true, ApplicationName = "stowline",
        };
        if (!builder.ContainsKey("Maximum Pool Size")) builder.MaxPoolSize = UsualPool;
        return builder;
    }

    public string Address { get; }
    public NpgsqlDataSource Source => _source;
    public override Dialect Dialect => Dialect.Postgres;
    public override string Engine => "PostgreSQL at " + Address;
    public override bool SingleWriter => false;

    public override async ValueTask<SqlSession> OpenAsync(bool readOnly, CancellationToken ct)
    {
        var source = readOnly ? _source : _writers;
        return new PostgresSession(await source.OpenConnectionAsync(ct), source);
    }

    public override async Task<NeighborSession?> JoinAsync(string process, string host, DateTimeOffset since, CancellationToken ct) =>
        await PostgresNeighbors.JoinAsync(_connection, process, host, since, ct);

    public override bool IsInfrastructure(Exception exception) => exception switch
    {
        // 08 connection, 53 resources (disk full, too many connections), 57 operator intervention (shutdown), 58 system, 25006 read-only,
        // 40 serialization and deadlock, 55P03 lock not available.
        PostgresException e => e.SqlState[..2] is "08" or "53" or "57" or "58" or "40" || e.SqlState is "25006" or "55P03",
        NpgsqlException or SocketException or IOException or TimeoutException => true,
        _ => false,
    };

    public override async Task<long> SizeAsync(CancellationToken ct) =>
        await ReadAsync(async session => await session.FindAsync<long>("SELECT pg_database_size(current_database())"), ct);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _source.DisposeAsync();
        await _writers.DisposeAsync();
    }

    /// <summary>Turns <c>postgres://…</c> into an Npgsql connection string; one that is that already stays as it is.</summary>
    public static string Parse(string text)
    {
        if (!text.StartsWith("postgres://", StringComparison.Ordinal) && !text.StartsWith("postgresql://", StringComparison.Ordinal)) return text;
        var uri = new Uri(text);
        var user = uri.UserInfo.Split(':', 2);
        var builder = new NpgsqlConnectionStringBuilder { Host = uri.Host, Port = uri.Port > 0 ? uri.Port : 5432, Database = uri.AbsolutePath.Trim('/') };
        if (user[0].Length > 0) builder.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length > 1) builder.Password = Uri.UnescapeDataString(user[1]);
        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            builder[parts[0] == "sslmode" ? "SSL Mode" : parts[0].Replace('_', ' ')] = Uri.UnescapeDataString(parts.Length > 1 ? parts[1] : "");
        }
        return builder.ToString();
    }
}
