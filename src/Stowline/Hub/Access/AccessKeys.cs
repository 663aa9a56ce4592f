using System.Text.Json;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Http;

namespace Stowline.Hub.Access;

/// <summary>What a key may do. Every scope but <see cref="Site"/> includes <see cref="Read"/>, and <see cref="Admin"/> includes all.</summary>
[JsonConverter(typeof(SnakeCaseEnum<KeyScope>))]
public enum KeyScope { Read = 1, Orders = 2, Stock = 3, Tasks = 4, Admin = 5, Site = 6 }

/// <summary>A key to be made. Without sites it is good for all of them, and so for sellers.</summary>
/// <param name="Tier">How much it may call: a tier of the settings; without one, <c>default</c>.</param>
public sealed record KeyBody(string? Name, IReadOnlyList<KeyScope>? Scopes, IReadOnlyList<string?>? Sites, IReadOnlyList<string?>? Sellers = null, string? Tier = null);

/// <summary>What a key may call from now on.</summary>
public sealed record KeyTierBody(string? Tier);

/// <summary>A key as lists show it: everything but the secret.</summary>
public sealed record KeyView(
    string Id, string Name, IReadOnlyList<KeyScope> Scopes, IReadOnlyList<string> Sites, IReadOnlyList<string> Sellers, string Tier, DateTimeOffset CreatedAt, string CreatedBy, DateTimeOffset? RevokedAt, string? RevokedBy);

/// <summary>The answer to making a key: the only one that ever holds its text.</summary>
public sealed record MadeKey(string Key, string Id, string Name, IReadOnlyList<KeyScope> Scopes, IReadOnlyList<string> Sites, IReadOnlyList<string> Sellers, string Tier, DateTimeOffset CreatedAt);

/// <summary>Who calls, by their key.</summary>
public sealed record KeyHolder(string Id, string Name, IReadOnlyList<KeyScope> Scopes, IReadOnlyList<string> Sites)
{
    /// <summary>The sellers that the key is limited to; empty for all.</summary>
    public IReadOnlyList<string> Sellers { get; init; } = [];

    /// <summary>How much it may call: the name of a tier, see <see cref="RateTiers"/>.</summary>
    public string Tier { get; init; } = RateTiers.Default;

    public bool IsLimited => Sites.Count > 0 || Sellers.Count > 0;

    /// <summary>The key of a site's node opens the link only: what a site may know comes to it in its lanes.</summary>
    public bool May(KeyScope scope) => Scopes.Contains(scope) || Scopes.Contains(KeyScope.Admin) || scope == KeyScope.Read && Scopes.Any(s => s != KeyScope.Site);

    public bool Covers(string site) => Sites.Count == 0 || Sites.Contains(site, StringComparer.Ordinal);
}

/// <summary>A row of <c>access_keys</c>.</summary>
internal sealed record KeyRow
{
    public const string Columns = "id, name, scopes, sites, secret_hash, created_at, created_by, revoked_at, revoked_by, sellers, tier";

    public string Id { get; init; } = "";
    public string Name { get; init; } = "";
    public string Scopes { get; init; } = "";
    public string Sites { get; init; } = "";
    public byte[] SecretHash { get; init; } = [];
    public DateTimeOffset CreatedAt { get; init; }
    public string CreatedBy { get; init; } = "";
    public DateTimeOffset? RevokedAt { get; init; }
    public string? RevokedBy { get; init; }
    public string Sellers { get; init; } = "[]";
    public string Tier { get; init; } = RateTiers.Default;

    public KeyHolder Holder => new(Id, Name, ScopeList, Split(Sites)) { Sellers = SellerList, Tier = Tier };
    public KeyView View => new(Id, Name, ScopeList, Split(Sites), SellerList, Tier, CreatedAt, CreatedBy, RevokedAt, RevokedBy);

    private string[] SellerList => JsonSerializer.Deserialize(Sellers, AccessJson.Default.StringArray) ?? [];

    // A scope that this version does not know, written by a newer one, gives nothing.
    private KeyScope[] ScopeList => [.. Split(Scopes).Select(s => SnakeCaseEnum<KeyScope>.TryParse(s, out var scope) ? scope : default).Where(s => s != default)];

    private static string[] Split(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(KeyBody))]
[JsonSerializable(typeof(KeyTierBody))]
[JsonSerializable(typeof(KeyView))]
[JsonSerializable(typeof(Page<KeyView>))]
[JsonSerializable(typeof(MadeKey))]
[JsonSerializable(typeof(WorkerBody))]
[JsonSerializable(typeof(WorkerView))]
[JsonSerializable(typeof(Page<WorkerView>))]
internal sealed partial class AccessJson : JsonSerializerContext;
