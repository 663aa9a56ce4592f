using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace Stowline.Store;

/// <summary>
/// Applies the numbered SQL files of the modules, in name order, each once. Files are named <c>{time}_{module}_{what}.sql</c>, so that work
/// on different modules does not collide. A file that was applied must never change: its checksum is compared.
/// </summary>
public static class Migrator
{
    private sealed record Applied { public string Name { get; init; } = ""; public string Checksum { get; init; } = ""; }

    public static async Task<int> RunAsync(Database database, CancellationToken ct)
    {
        await using var session = await database.OpenAsync(readOnly: false, ct);
        // On PostgreSQL several processes may start at once; the lock lets one of them migrate and the others find it done.
        if (database.Dialect.IsPostgres) await session.ScriptAsync("SELECT pg_advisory_lock(7250091)");
        await session.ScriptAsync(database.Dialect.Expand(
            "CREATE TABLE IF NOT EXISTS schema_migrations (name {text} NOT NULL PRIMARY KEY, checksum {text} NOT NULL, applied_at {time} NOT NULL)"));
        var applied = (await session.QueryAsync<Applied>("SELECT name, checksum FROM schema_migrations")).ToDictionary(a => a.Name, a => a.Checksum);
        var ran = 0;
        foreach (var (name, sql) in Files())
        {
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
        if (database.Dialect.IsPostgres) await session.ScriptAsync("SELECT pg_advisory_unlock(7250091)");
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
