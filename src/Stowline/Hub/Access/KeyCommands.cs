using System.Text.Json;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Access;

/// <summary>Makes, revokes and lists keys: the same for HTTP and for the command line.</summary>
public static class KeyCommands
{
    /// <summary>These stand in events for the system itself and for callers without a name; nobody may pass for them.</summary>
    private static readonly string[] Reserved = ["system", "anonymous", "restore"];

    private const int MostSellers = 100;

    /// <summary>A key that is checked and has its secret, but is not stored yet.</summary>
    public sealed record Draft(string Key, string Id, byte[] Hash, string Name, IReadOnlyList<KeyScope> Scopes, IReadOnlyList<string> Sites, IReadOnlyList<string> Sellers, string Tier = RateTiers.Default);

    /// <summary>
    /// Checks what is asked for and makes the secret. The sites need not exist yet: the first key is made before the first site.
    /// </summary>
    /// <param name="tiers">Those of the node; where nothing is said, only the default.</param>
    public static Outcome<Draft> Prepare(KeyBody body, RateTiers? tiers = null)
    {
        var problems = new Problems();
        var name = problems.Code(body.Name, "name");
        problems.Check(!Reserved.Contains(name, StringComparer.OrdinalIgnoreCase), "name", "is a name that the system uses for itself");
        KeyScope[] scopes = [.. (body.Scopes ?? []).Distinct().Order()];
        problems.Check(!scopes.Contains(KeyScope.Site), "scopes", "cannot have site: joining a site makes its key");
        problems.Check(scopes.Length > 0, "scopes", "must name at least one of read, orders, stock, tasks, admin");
        problems.Check((body.Sites?.Count ?? 0) <= 1_000, "sites", "must be at most 1000");
        if (problems.Any) return problems.ToRefusal();
        string[] sites = [.. (body.Sites ?? []).Select((site, i) => problems.Code(site, $"sites[{i}]")).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        // An admin could make itself a key without limits.
        problems.Check(sites.Length == 0 || !scopes.Contains(KeyScope.Admin), "sites", "cannot limit the scope admin, which may make further keys");
        var sellers = Sellers(body.Sellers, scopes, problems);
        var tier = Tier(body.Tier ?? RateTiers.Default, tiers ?? RateTiers.Standard, problems);
        if (problems.Any) return problems.ToRefusal();
        var (key, id, hash) = KeyText.Make();
        return new Draft(key, id, hash, name, scopes, sites, sellers, tier);
    }

    private static string Tier(string? name, RateTiers tiers, Problems problems)
    {
        problems.Check(name is not null && tiers.HasForKeys(name), "tier", $"must be one of {string.Join(", ", tiers.OfKeys)}: the setting rate_limits names them");
        return name ?? "";
    }

    /// <summary>Names as the catalogue has them, which is free text. Work at a site is never for one seller alone, so its scopes cannot be limited to some.</summary>
    private static string[] Sellers(IReadOnlyList<string?>? given, KeyScope[] scopes, Problems problems)
    {
        if (given is null or { Count: 0 }) return [];
        problems.Check(given.Count <= MostSellers, "sellers", $"must be at most {MostSellers}");
        problems.Check(scopes.All(s => s is KeyScope.Read or KeyScope.Orders), "sellers", "can limit the scopes read and orders only");
        for (var i = 0; i < Math.Min(given.Count, MostSellers); i++)
        {
            problems.Check(!string.IsNullOrWhiteSpace(given[i]), $"sellers[{i}]", "is required");
            problems.Text(given[i], $"sellers[{i}]", 128);
        }
        return [.. given.OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>The key by which a site's node comes to its hub: for the link, and for nothing else.</summary>
    internal static Draft PrepareForSite(string site)
    {
        var (key, id, hash) = KeyText.Make();
        return new Draft(key, id, hash, "site/" + site, [KeyScope.Site], [site], []);
    }

    /// <summary>The lane that stands for its scope: the hub's own, or the site's.</summary>
    private static Lane Home(LaneTransaction tx) => new(tx.Scope);

    /// <summary>Stores a key. Refuses with <c>key_name_taken</c> while a key of that name is good: the name is who did it.</summary>
    public static async ValueTask<Outcome<MadeKey>> CreateAsync(Draft draft, KeyRing ring, LaneTransaction tx)
    {
        if (await tx.FindAsync<string>("SELECT id FROM access_keys WHERE name = @name AND revoked_at IS NULL", new { name = draft.Name }) is not null)
            return Refusal.Conflict("key_name_taken", $"there is a key named {draft.Name}; revoke it first, or choose another name");
        string[] scopes = [.. draft.Scopes.Select(SnakeCaseEnum<KeyScope>.Text)];
        await tx.WriteAsync("""
            INSERT INTO access_keys (id, name, scopes, sites, sellers, tier, secret_hash, created_at, created_by)
            VALUES (@id, @name, @scopes, @sites, @sellers, @tier, @hash, @now, @actor)
            """, new
        {
            id = draft.Id, name = draft.Name, scopes = string.Join(',', scopes), sites = string.Join(',', draft.Sites), hash = draft.Hash, now = tx.Now, actor = tx.Caller.Actor,
            sellers = JsonSerializer.Serialize([.. draft.Sellers], AccessJson.Default.StringArray),
            tier = draft.Tier,
        });
        tx.Append(Home(tx), new KeyCreated(draft.Id, draft.Name, scopes, draft.Sites, draft.Sellers.Count == 0 ? null : draft.Sellers, draft.Tier == RateTiers.Default ? null : draft.Tier), "key/" + draft.Name);
        tx.OnCommitted(ring.Changed);
        tx.Announce(KeyRing.Topic);
        return new MadeKey(draft.Key, draft.Id, draft.Name, draft.Scopes, draft.Sites, draft.Sellers, draft.Tier, tx.Now);
    }

    /// <summary>Revokes the key of this name. Where it was revoked before, that is the answer.</summary>
    public static async ValueTask<Outcome<KeyView>> RevokeAsync(string name, KeyRing ring, LaneTransaction tx)
    {
        var rows = await tx.QueryAsync<KeyRow>($"SELECT {KeyRow.Columns} FROM access_keys WHERE name = @name", new { name });
        if (rows.FirstOrDefault(r => r.RevokedAt is null) is not { } good)
            return rows.MaxBy(r => r.RevokedAt) is { } gone ? Outcome<KeyView>.AlreadyDone(gone.View) : NoKey(name);
        await tx.WriteAsync("UPDATE access_keys SET revoked_at = @now, revoked_by = @actor WHERE id = @id", new { now = tx.Now, actor = tx.Caller.Actor, id = good.Id });
        tx.Append(Home(tx), new KeyRevoked(good.Id, good.Name), "key/" + good.Name);
        tx.OnCommitted(ring.Changed);
        tx.Announce(KeyRing.Topic);
        return (good with { RevokedAt = tx.Now, RevokedBy = tx.Caller.Actor }).View;
    }

    /// <summary>Checks the tier that a key is to have from now on.</summary>
    public static Outcome<string> PrepareTier(KeyTierBody body, RateTiers tiers)
    {
        var problems = new Problems();
        var tier = Tier(body.Tier, tiers, problems);
        return problems.Any ? problems.ToRefusal() : tier;
    }

    /// <summary>Gives the key of this name another tier, which counts at once. Where it has it, that is the answer. Refuses with <c>key_not_found</c>.</summary>
    public static async ValueTask<Outcome<KeyView>> ChangeTierAsync(string name, string tier, KeyRing ring, LaneTransaction tx)
    {
        var key = await tx.FindAsync<KeyRow>($"SELECT {KeyRow.Columns} FROM access_keys WHERE name = @name AND revoked_at IS NULL", new { name });
        if (key is null) return NoKey(name);
        if (key.Tier == tier) return Outcome<KeyView>.AlreadyDone(key.View);
        await tx.WriteAsync("UPDATE access_keys SET tier = @tier WHERE id = @id", new { tier, id = key.Id });
        tx.Append(Home(tx), new KeyTierChanged(key.Id, key.Name, key.Tier, tier), "key/" + key.Name);
        tx.OnCommitted(ring.Changed);
        tx.Announce(KeyRing.Topic);
        return (key with { Tier = tier }).View;
    }

    private static Refusal NoKey(string name) => Refusal.NotFound("key_not_found", $"there is no key named {name}");

    /// <summary>False while nobody could pass: no key was made yet, or all are revoked.</summary>
    public static async Task<bool> AnyGoodAsync(SqlSession session) => await session.FindAsync<string>("SELECT id FROM access_keys WHERE revoked_at IS NULL LIMIT 1") is not null;

    /// <summary>Keys by name, also revoked ones, after the key <paramref name="after"/> (its name and id).</summary>
    public static async Task<IReadOnlyList<KeyView>> ListAsync(SqlSession session, (string Name, string Id)? after, int limit)
    {
        var rows = await session.QueryAsync<KeyRow>($"""
            SELECT {KeyRow.Columns} FROM access_keys WHERE name > @name OR (name = @name AND id > @id) ORDER BY name, id LIMIT @limit
            """, new { name = after?.Name ?? "", id = after?.Id ?? "", limit });
        return [.. rows.Select(r => r.View)];
    }
}
