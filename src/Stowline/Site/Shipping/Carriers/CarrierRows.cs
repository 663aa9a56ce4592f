using System.Text.Json;
using System.Text.Json.Nodes;
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
    private sealed record Secret { public string Carrier { get; init; } = ""; public string Name { get; init; } = ""; public string Value { get; init; } = ""; }

    /// <summary>The name under which the word in a carrier's report address is kept among its secrets.</summary>
    public const string WebhookSecret = "@webhook";

    public static ValueTask<CarrierRow?> FindAsync(SqlSession session, string site, string carrier) =>
        session.FindAsync<CarrierRow>($"SELECT {CarrierRow.Columns} FROM carriers WHERE site = @site AND carrier = @carrier", new { site, carrier });

    public static ValueTask<IReadOnlyList<CarrierRow>> OfSiteAsync(SqlSession session, string site) =>
        session.QueryAsync<CarrierRow>($"SELECT {CarrierRow.Columns} FROM carriers WHERE site = @site ORDER BY carrier", new { site });

    public static async Task<IReadOnlyDictionary<string, string>> SecretsAsync(SqlSession session, string site, string carrier) =>
        (await session.QueryAsync<Secret>("SELECT carrier, name, value FROM carrier_secrets WHERE site = @site AND carrier = @carrier", new { site, carrier })).ToDictionary(s => s.Name, s => s.Value, StringComparer.Ordinal);

    /// <summary>A carrier ready to be called; null with the reason where it is not.</summary>
    public static async Task<(CarrierAccount? Account, string? Why)> AccountAsync(SqlSession session, CarrierRow row)
    {
        if (row.Spoken is not { } profile) return (null, "its profile is not known to this version");
        var secrets = await SecretsAsync(session, row.Site, row.Carrier);
        var url = row.Url ?? profile.Url;
        var settings = JsonNode.Parse(row.Settings) as JsonObject ?? [];
        if (url.Length == 0) return (null, "it has no url");
        if (profile.Secrets.FirstOrDefault(s => !s.EndsWith('?') && !secrets.ContainsKey(s)) is { } missing) return (null, $"its secret {missing} is not set; after a restore secrets are given again");
        return (new CarrierAccount(row.Site, row.Carrier, profile, url, settings, secrets), null);
    }

    /// <summary>Carriers that are not answering, and parcels that wait for a person: what alerts are made of.</summary>
    public static async Task<IReadOnlyList<CarrierRow>> TroubledAsync(SqlSession session) => await session.QueryAsync<CarrierRow>(
        $"SELECT {CarrierRow.Columns} FROM carriers WHERE enabled = @yes AND failures >= @many ORDER BY site, carrier", new { yes = true, many = CarrierRetry.OpenAfter });
}
