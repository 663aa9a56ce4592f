using System.Text;
using System.Text.Json.Nodes;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Site.Shipping.Carriers;

internal sealed record CarrierRow
{
    public const string Columns = "site, carrier, profile, definition, url, settings, enabled, failures, failing_since, open_until, last_error, last_success_at, saved_at, saved_by";

    public string Site { get; init; } = "";
    public string Carrier { get; init; } = "";
    public string Profile { get; init; } = "";
    public string? Definition { get; init; }
    public string? Url { get; init; }
    public string Settings { get; init; } = "{}";
    public bool Enabled { get; init; }
    public int Failures { get; init; }
    public DateTimeOffset? FailingSince { get; init; }
    public DateTimeOffset? OpenUntil { get; init; }
    public string? LastError { get; init; }
    public DateTimeOffset? LastSuccessAt { get; init; }
    public DateTimeOffset SavedAt { get; init; }
    public string SavedBy { get; init; } = "";

    public bool IsOpen => Failures >= CarrierRetry.OpenAfter;

    /// <summary>Null where a built-in profile is gone since.</summary>
    public CarrierProfile? Spoken => Definition is { } own ? Profiles.Parse(own) is { IsOk: true } parsed ? parsed.Value : null : Profiles.BuiltIn.GetValueOrDefault(Profile);
}

/// <summary>Reads of carriers.</summary>
internal static class CarrierRows
{
    private sealed record Secret { public string Name { get; init; } = ""; public string Value { get; init; } = ""; public byte[]? Sealed { get; init; } }

    /// <summary>The name under which the word in a carrier's report address is kept among its secrets.</summary>
    public const string WebhookSecret = "@webhook";

    public static ValueTask<CarrierRow?> FindAsync(SqlSession session, string site, string carrier) =>
        session.FindAsync<CarrierRow>($"SELECT {CarrierRow.Columns} FROM carriers WHERE site = @site AND carrier = @carrier", new { site, carrier });

    public static ValueTask<IReadOnlyList<CarrierRow>> OfSiteAsync(SqlSession session, string site) =>
        session.QueryAsync<CarrierRow>($"SELECT {CarrierRow.Columns} FROM carriers WHERE site = @site ORDER BY carrier", new { site });

    /// <summary>Bound to its place: nobody gets at it by moving it to another carrier, with another address.</summary>
    public static string PurposeOf(string site, string carrier, string name) => $"carrier/{site}/{carrier}/{name}";

    /// <summary>A carrier's secrets in plain; null where this node has not the key that one was sealed with.</summary>
    public static async Task<IReadOnlyDictionary<string, string?>> SecretsAsync(SqlSession session, string site, string carrier, SecretBox? box) =>
        (await session.QueryAsync<Secret>("SELECT name, value, sealed FROM carrier_secrets WHERE site = @site AND carrier = @carrier", new { site, carrier })).ToDictionary(s => s.Name, s =>
            s.Sealed is null ? s.Value : box?.Open(PurposeOf(site, carrier, s.Name), s.Sealed) is { } plain ? Encoding.UTF8.GetString(plain) : null, StringComparer.Ordinal);

    /// <summary>Which secrets there are, whether or not they can be opened.</summary>
    public static async Task<IReadOnlyCollection<string>> NamesAsync(SqlSession session, string site, string carrier) =>
        await session.QueryAsync<string>("SELECT name FROM carrier_secrets WHERE site = @site AND carrier = @carrier", new { site, carrier });

    /// <summary>Why a carrier cannot be called, as far as its rows tell; null where it can.</summary>
    public static async Task<string?> ProblemAsync(SqlSession session, CarrierRow row)
    {
        if (row.Spoken is not { } profile) return "its profile is not known to this version";
        if ((row.Url ?? profile.Url).Length == 0) return "it has no url";
        var names = await NamesAsync(session, row.Site, row.Carrier);
        return profile.Secrets.FirstOrDefault(s => !s.EndsWith('?') && !names.Contains(s)) is { } missing ? $"its secret {missing} is not set; after a restore secrets are given again" : null;
    }

    /// <summary>A carrier ready to be called; null with the reason where it is not.</summary>
    public static async Task<(CarrierAccount? Account, string? Why)> AccountAsync(SqlSession session, CarrierRow row, SecretBox? box)
    {
        if (await ProblemAsync(session, row) is { } why) return (null, why);
        var secrets = await SecretsAsync(session, row.Site, row.Carrier, box);
        if (secrets.Any(s => s.Value is null)) return (null, "its secrets were sealed with another key than this node has; give them again, or the node its key (secrets_key)");
        return (new CarrierAccount(row.Site, row.Carrier, row.Spoken!, row.Url ?? row.Spoken!.Url, JsonNode.Parse(row.Settings) as JsonObject ?? [], secrets.ToDictionary(s => s.Key, s => s.Value!, StringComparer.Ordinal)), null);
    }

    /// <summary>Carriers that are not answering, and parcels that wait for a person: what alerts are made of.</summary>
    public static async Task<IReadOnlyList<CarrierRow>> TroubledAsync(SqlSession session) => await session.QueryAsync<CarrierRow>(
        $"SELECT {CarrierRow.Columns} FROM carriers WHERE enabled = @yes AND failures >= @many ORDER BY site, carrier", new { yes = true, many = CarrierRetry.OpenAfter });
}
