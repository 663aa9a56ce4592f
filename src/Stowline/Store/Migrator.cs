using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace Stowline.Store;

/// <summary>
/// Applies the numbered SQL files of the modules, in name order, each once. Files are named <c>{time}_{module}_{what}.sql</c>, so that work
/// on different modules does not collide; one that ends in <c>.postgres.sql</c> is for PostgreSQL alone. A file that was applied must never change: its checksum is compared.
/// </summary>
public static class Migrator
{
    /// <summary>Stands among the migrations while a restore is not finished: no node may open such a database.</summary>
    internal const string RestoreMark = "restore_in_progress";

    /// <summary>How a file ends that speaks of what SQLite does not have, such as partitions.</summary>
    private const string PostgresOnly = ".postgres.sql";

    private sealed record Applied { public string Name { get; init; } = ""; public string Checksum { get; init; } = ""; }

    /// <param name="only">Just these, for a restore that must first have the tables as they were; null for all.</param>
    /// <param name="restoring">The caller is the restore itself.</param>
    public static async Task<int> RunAsync(Database database, IReadOnlySet<string>? only = null, bool restoring = false, CancellationToken ct = default)
    {
        await using var session = await database.OpenAsync(readOnly: false, ct);
        // On PostgreSQL several processes may start at once; the lock lets one of them migrate and the others find it done.
        if (database.Dialect.IsPostgres) await session.ScriptAsync("SELECT pg_advisory_lock(7250091)");
        try
        {
            return await RunAsync(session, database, only, restoring, ct);
        }
        finally
        {
            // Pooled connections keep their session locks: without this a failed migration would lock everybody out until this process ends.
            await session.RollbackAsync();
            if (database.Dialect.IsPostgres) await session.ScriptAsync("SELECT pg_advisory_unlock(7250091)");
        }
    }

    private static async Task<int> RunAsync(SqlSession session, Database database, IReadOnlySet<string>? only, bool restoring, CancellationToken ct)
    {
        await session.ScriptAsync(database.Dialect.Expand(
            "CREATE TABLE IF NOT EXISTS schema_migrations (name {text} NOT NULL PRIMARY KEY, checksum {text} NOT NULL, applied_at {time} NOT NULL)"));
        var applied = (await session.QueryAsync<Applied>("SELECT name, checksum FROM schema_migrations")).ToDictionary(a => a.Name, a => a.Checksum);
        if (applied.ContainsKey(RestoreMark) && !restoring)
            throw new InvalidOperationException("a restore into this database was begun and not finished; empty it and restore again");
        var ran = 0;
        foreach (var (name, sql) in Files())
        {
            if (only is not null && !only.Contains(name)) continue;
            if (name.EndsWith(PostgresOnly, StringComparison.Ordinal) && !database.Dialect.IsPostgres) continue;
            var checksum = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sql)));
            if (applied.TryGetValue(name, out var known))
            {
                if (known != checksum) throw new InvalidOperationException($"migration {name} was changed after it had been applied; add a new file instead");
                continue;
            }
            await session.BeginAsync(snapshot: false, ct);
            await session.ScriptAsync(database.Dialect.Expand(sql));
            await session.ExecuteAsync("INSERT INTO schema_migrations (name, checksum, applied_at) VALUES (@name, @checksum, @now)",
                new { name, checksum, now = database.Time.GetUtcNow() });
            await session.CommitAsync();
            ran++;
        }
        return ran;
    }

    /// <summary>The migrations in the order in which they apply: (file name, SQL with type tokens).</summary>
    internal static IEnumerable<(string Name, string Sql)> Files()
    {
        var assembly = Assembly.GetExecutingAssembly();
        foreach (var resource in assembly.GetManifestResourceNames().Where(r => r.EndsWith(".sql", StringComparison.Ordinal))
                     .Select(r => (Resource: r, Name: r[(r.IndexOf(".Migrations.", StringComparison.Ordinal) + 12)..])).OrderBy(r => r.Name, StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource.Resource)!);
            yield return (resource.Name, reader.ReadToEnd());
        }
    }
}
