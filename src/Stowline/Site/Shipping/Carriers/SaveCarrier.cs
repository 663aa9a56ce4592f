using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>A carrier that a site ships with.</summary>
public sealed record CarrierBody
{
    /// <summary>A built-in profile (<c>GET /carrier-profiles</c>), or <c>custom</c> with a <see cref="Definition"/>.</summary>
    public string? Profile { get; init; }
    /// <summary>A profile of one's own, as docs/carriers.md describes it.</summary>
    public JsonElement? Definition { get; init; }
    /// <summary>Where the carrier is reached, where it is not the profile's address.</summary>
    public string? Url { get; init; }
    /// <summary>What the profile needs to know of the account; not secret. <c>statuses</c> may map further status codes.</summary>
    public JsonElement? Settings { get; init; }
    /// <summary>The account's credentials by the profile's names. Not shown again; those that are not given stay as they are.</summary>
    public IReadOnlyDictionary<string, string?>? Secrets { get; init; }
    public bool? Enabled { get; init; }
}

/// <summary>A carrier as the API shows it, without its secrets.</summary>
/// <param name="Open">It does not answer and is asked only now and then, next at <paramref name="OpenUntil"/>.</param>
/// <param name="Problem">Why it cannot be used; null when it can.</param>
/// <param name="SecretsSet">The names of the secrets that are set.</param>
public sealed record CarrierView(
    string Site, string Carrier, string Profile, string Title, string? Url, JsonElement Settings, JsonElement? Definition, IReadOnlyList<string> SecretsSet, bool Enabled, bool Open, DateTimeOffset? OpenUntil, int Failures,
    DateTimeOffset? FailingSince, string? LastError, DateTimeOffset? LastSuccessAt, IReadOnlyList<string> Can, string? Problem, DateTimeOffset SavedAt, string SavedBy)
{
    /// <summary>Where the carrier reports, with the secret word in it; only in the answer to PUT.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
    public string? WebhookPath { get; init; }
}

/// <summary>A built-in profile: what it can, and what it needs.</summary>
public sealed record ProfileView(string Name, string Title, string? Url, IReadOnlyList<string> Can, IReadOnlyList<string> Settings, IReadOnlyList<string> Secrets, LostAnswer AfterLoss);

/// <summary>
/// <c>PUT /sites/{code}/carriers/{carrier}</c>, its reading and deletion (F5). Credentials are sealed, and in no event, no log and no backup. Refusals: <c>carrier_not_found</c>, <c>carrier_in_use</c>,
/// <c>no_secrets_key</c>.
/// </summary>
public static class SaveCarrier
{
    private const int MostSecret = 4_000;
    private const string Custom = "custom";

    internal static void Map(IEndpointRouteBuilder api, Node node, CarrierModule carriers)
    {
        api.MapPut("/sites/{code}/carriers/{carrier}", (HttpContext http, string code, string carrier) => PutAsync(http, node, carriers, code, carrier))
            .WithTags("Carriers").WithSummary("Set up or change a carrier of a site").Takes<CarrierBody>().Produces<CarrierView>().KeepsNoAnswer();
        api.MapGet("/sites/{code}/carriers", (HttpContext http, string code) => SitePath.ReadAsync(http, node, async site =>
                Pages.Of(http, await node.Database.ReadAsync(s => ListAsync(s, site, node.Secrets), http.RequestAborted), carrier => carrier.Carrier)))
            .WithTags("Carriers").WithSummary("A site's carriers, without their secrets, and whether they answer").ShortPages<CarrierView>();
        api.MapGet("/sites/{code}/carriers/{carrier}", (HttpContext http, string code, string carrier) => SitePath.ReadAsync<CarrierView>(http, node, async site =>
                await node.Database.ReadAsync(s => ViewAsync(s, site, carrier, node.Secrets), http.RequestAborted)))
            .WithTags("Carriers").WithSummary("One carrier of a site").Produces<CarrierView>();
        api.MapDelete("/sites/{code}/carriers/{carrier}", (HttpContext http, string code, string carrier) => SitePath.RunAsync<CarrierView>(http, node, (site, tx) => DeleteAsync(site, carrier, node.Secrets, tx)))
            .WithTags("Carriers").WithSummary("Delete a carrier that no parcel needs any more, with its secrets").Produces<CarrierView>();
        api.Get("/carrier-profiles", http => Answers.WriteAsync<Page<ProfileView>>(http, new Page<ProfileView>([.. Profiles.BuiltIn.Values.OrderBy(p => p.Name, StringComparer.Ordinal).Select(Show)], null)))
            .WithTags("Carriers").WithSummary("The carriers that Stowline knows to speak to").Produces<Page<ProfileView>>();
    }

    internal static Refusal NotFound(string site, string carrier) => Refusal.NotFound("carrier_not_found", $"{site} has no carrier {carrier}");

    private static ProfileView Show(CarrierProfile p) => new(p.Name, p.Title, p.Url.Length == 0 ? null : p.Url, Can(p), p.Settings, p.Secrets, p.AfterLoss);

    /// <summary>What a profile can, in words: <c>create</c>, <c>find</c>, <c>label</c>, <c>track</c>, <c>cancel</c>, <c>rate</c>, <c>address</c>, <c>webhook</c>.</summary>
    private static string[] Can(CarrierProfile p) => [.. p.Calls.Select(c => c.Name), .. p.Webhook is null ? Array.Empty<string>() : ["webhook"]];

    /// <summary>The idempotency key is checked but not used: it would keep the answer, and with it the report address.</summary>
    private static async Task PutAsync(HttpContext http, Node node, CarrierModule carriers, string code, string carrier)
    {
        var body = await Requests.ReadAsync<CarrierBody>(http);
        if (body.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var caller = Requests.CallerOf(http);
        if (caller.Refusal is { } wrong) { await Answers.WriteAsync(http, wrong); return; }
        if (!CodeRule.TryNormalize(code, out var site) || !await node.KnowsSiteAsync(site, http.RequestAborted)) { await Answers.WriteAsync(http, Refusal.NotFound("site_not_found", $"there is no site {code} here")); return; }
        var made = await node.Lanes.ExecuteAsync(Lane.Site(site), caller.Value with { Idempotency = null }, tx => DecideAsync(site, carrier, body.Value, carriers, tx), http.RequestAborted);
        http.Response.Headers.CacheControl = "no-store";
        await Answers.WriteAsync(http, made);
    }

    public static async ValueTask<Outcome<CarrierView>> DecideAsync(string site, string code, CarrierBody body, CarrierModule carriers, LaneTransaction tx)
    {
        var target = carriers.Target;
        var problems = new Problems();
        var carrier = problems.Code(code, "carrier");
        var profile = Profile(body, problems);
        var settings = Settings(body, profile, problems);
        if (body.Url is { } own && target.Problem(own) is { } problem) problems.Add("url", problem);
        if (profile is not null) problems.Check(body.Url is not null || profile.Url.Length > 0, "url", "is required: the profile has no address of its own");
        if (profile is not null && body.Url is null && profile.Url.Length > 0 && target.Problem(profile.Url) is { } forbidden) problems.Add("definition.url", forbidden);
        foreach (var (name, value) in body.Secrets ?? new Dictionary<string, string?>())
        {
            problems.Check(profile is null || profile.Secrets.Any(s => s.TrimEnd('?') == name), $"secrets.{name}", $"is none of {string.Join(", ", profile?.Secrets ?? [])}");
            problems.Check(value is null || value.Length is > 0 and <= MostSecret && !value.Any(char.IsControl), $"secrets.{name}", $"must be 1–{MostSecret} characters without control characters");
        }
        if (problems.Any) return problems.ToRefusal();
        if (carriers.Box is not { } box) return Refusal.Conflict("no_secrets_key", "this node has no key to seal secrets with: see the setting secrets_key");
        foreach (var (name, value) in body.Secrets ?? new Dictionary<string, string?>())
        {
            if (value is null) await tx.WriteAsync("DELETE FROM carrier_secrets WHERE site = @site AND carrier = @carrier AND name = @name", new { site, carrier, name });
            else await SetSecretAsync(tx, box, site, carrier, name, value);
        }
        // A word that cannot be read any more is replaced: the answer tells the new address.
        var word = (await CarrierRows.SecretsAsync(tx.Group.Session, site, carrier, box)).GetValueOrDefault(CarrierRows.WebhookSecret);
        if (word is null) await SetSecretAsync(tx, box, site, carrier, CarrierRows.WebhookSecret, word = NewWord(Personal.IdsOf(tx)));
        await tx.WriteAsync("""
            INSERT INTO carriers (site, carrier, profile, definition, url, settings, enabled, webhook_hash, failures, saved_at, saved_by)
            VALUES (@site, @carrier, @profile, @definition, @url, @settings, @enabled, @hash, 0, @now, @actor)
            ON CONFLICT (site, carrier) DO UPDATE SET profile = excluded.profile, definition = excluded.definition, url = excluded.url, settings = excluded.settings, enabled = excluded.enabled,
                webhook_hash = excluded.webhook_hash, failures = 0, failing_since = NULL, open_until = NULL, last_error = NULL, saved_at = excluded.saved_at, saved_by = excluded.saved_by
            """, new
        {
            site, carrier, profile = body.Profile, definition = body.Profile == Custom ? body.Definition!.Value.GetRawText() : null, url = body.Url, settings, enabled = body.Enabled ?? true, hash = HashOf(word),
            now = tx.Now, actor = tx.Caller.Actor,
        });
        tx.Append(Lane.Site(site), new CarrierChanged(carrier, body.Profile!, body.Enabled ?? true, "saved"), "carrier/" + carrier);
        // Whoever changes an account has repaired something: what waits is tried at once.
        await tx.WriteAsync("UPDATE carrier_bookings SET next_at = @now WHERE site = @site AND carrier = @carrier AND todo > 0 AND next_at > @now AND status <> @booked", new { site, carrier, now = tx.Now, booked = BookingStatus.Booked });
        tx.OnCommitted(() => carriers.IsUsed(site));
        tx.Announce(CarrierModule.Topic);
        var view = await ViewAsync(tx.Group.Session, site, carrier, box);
        return view.IsOk ? view.Value with { WebhookPath = $"/api/v1/carrier-webhooks/{word}" } : view;
    }

    private static CarrierProfile? Profile(CarrierBody body, Problems problems)
    {
        if (body.Profile == Custom)
        {
            if (body.Definition is not { ValueKind: JsonValueKind.Object } definition) { problems.Add("definition", "is required for the profile custom"); return null; }
            var parsed = Profiles.Parse(definition.GetRawText());
            if (parsed.Refusal is not { } no) return parsed.Value;
            foreach (var (field, messages) in no.Errors ?? new Dictionary<string, string[]> { ["definition"] = [no.Detail] }) problems.Add(field, messages[0]);
            return null;
        }
        problems.Check(body.Definition is null, "definition", "is for the profile custom only");
        if (body.Profile is { } name && Profiles.BuiltIn.TryGetValue(name, out var known)) return known;
        problems.Add("profile", $"must be one of {string.Join(", ", Profiles.BuiltIn.Keys.Order(StringComparer.Ordinal))}, {Custom}");
        return null;
    }

    private static string Settings(CarrierBody body, CarrierProfile? profile, Problems problems)
    {
        if (body.Settings is { ValueKind: not (JsonValueKind.Object or JsonValueKind.Null) }) problems.Add("settings", "must be an object");
        var settings = body.Settings is { ValueKind: JsonValueKind.Object } given ? (JsonObject)JsonNode.Parse(given.GetRawText())! : [];
        foreach (var name in profile?.Settings.Where(s => !s.EndsWith('?')) ?? []) problems.Check(JsonWords.Text(settings[name]).Length > 0, $"settings.{name}", "is required");
        problems.Check(settings.ToJsonString().Length <= 1_000_000, "settings", "is too large");
        if (settings["statuses"] is JsonObject statuses)
            foreach (var (code, word) in statuses) problems.Check(SnakeCaseEnum<ParcelStatus>.TryParse(JsonWords.Text(word), out _), $"settings.statuses.{code}", SnakeCaseEnum<ParcelStatus>.Choices);
        if (profile?.Numbers is { } range)
        {
            var prefix = JsonWords.Text(settings["number_prefix"]);
            var right = long.TryParse(JsonWords.Text(settings["number_first"]), out var first) & long.TryParse(JsonWords.Text(settings["number_last"]), out var last);
            problems.Check(prefix.Length is > 0 and <= 10 && prefix.All(char.IsAsciiLetterOrDigit), "settings.number_prefix", "must be 1–10 letters or digits");
            problems.Check(right && first >= 0 && last >= first && last.ToString(System.Globalization.CultureInfo.InvariantCulture).Length <= range.Digits, "settings.number_last", $"must be a number of at most {range.Digits} digits, not less than number_first");
        }
        return settings.ToJsonString();
    }

    private static ValueTask SetSecretAsync(LaneTransaction tx, SecretBox box, string site, string carrier, string name, string value) => tx.WriteAsync("""
        INSERT INTO carrier_secrets (site, carrier, name, value, sealed) VALUES (@site, @carrier, @name, '', @secret)
        ON CONFLICT (site, carrier, name) DO UPDATE SET value = excluded.value, sealed = excluded.sealed
        """, new { site, carrier, name, secret = box.Seal(CarrierRows.PurposeOf(site, carrier, name), Encoding.UTF8.GetBytes(value), Personal.IdsOf(tx)) });

    private static string NewWord(IdSource ids)
    {
        Span<byte> bytes = stackalloc byte[24];
        ids.Fill(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    internal static string HashOf(string word) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(word)));

    public static async ValueTask<Outcome<CarrierView>> DeleteAsync(string site, string carrier, SecretBox? box, LaneTransaction tx)
    {
        var view = await ViewAsync(tx.Group.Session, site, carrier, box);
        if (!view.IsOk) return view;
        if (await tx.FindAsync<long?>("SELECT number FROM carrier_bookings WHERE site = @site AND carrier = @carrier AND (todo > 0 OR status IN (1, 2, 4, 6)) LIMIT 1", new { site, carrier }) is { } needed)
            return Refusal.Conflict("carrier_in_use", $"booking {needed} still needs {carrier}; switch it off with enabled=false, or cancel the booking");
        await tx.WriteAsync("DELETE FROM carriers WHERE site = @site AND carrier = @carrier", new { site, carrier });
        await tx.WriteAsync("DELETE FROM carrier_secrets WHERE site = @site AND carrier = @carrier", new { site, carrier });
        tx.Append(Lane.Site(site), new CarrierChanged(carrier, view.Value.Profile, false, "deleted"), "carrier/" + carrier);
        return view;
    }

    private static async Task<IReadOnlyList<CarrierView>> ListAsync(SqlSession session, string site, SecretBox? box)
    {
        var views = new List<CarrierView>();
        foreach (var row in await CarrierRows.OfSiteAsync(session, site)) views.Add(await ViewAsync(session, row, box));
        return views;
    }

    /// <summary>The carriers of all sites whose data is here. Whether their secrets can be opened is not looked at.</summary>
    public static async Task<IReadOnlyList<CarrierView>> AllAsync(SqlSession session)
    {
        var views = new List<CarrierView>();
        foreach (var row in await session.QueryAsync<CarrierRow>($"SELECT {CarrierRow.Columns} FROM carriers ORDER BY site, carrier")) views.Add(await ViewAsync(session, row, null));
        return views;
    }

    internal static async Task<Outcome<CarrierView>> ViewAsync(SqlSession session, string site, string carrier, SecretBox? box) =>
        await CarrierRows.FindAsync(session, site, carrier) is { } row ? await ViewAsync(session, row, box) : NotFound(site, carrier);

    private static async Task<CarrierView> ViewAsync(SqlSession session, CarrierRow row, SecretBox? box)
    {
        var why = box is null ? await CarrierRows.ProblemAsync(session, row) : (await CarrierRows.AccountAsync(session, row, box)).Why;
        var secrets = await CarrierRows.NamesAsync(session, row.Site, row.Carrier);
        using var settings = JsonDocument.Parse(row.Settings);
        using var definition = row.Definition is null ? null : JsonDocument.Parse(row.Definition);
        return new CarrierView(row.Site, row.Carrier, row.Profile, row.Spoken is { Title.Length: > 0 } profile ? profile.Title : row.Carrier, row.Url ?? row.Spoken?.Url, settings.RootElement.Clone(), definition?.RootElement.Clone(),
            [.. secrets.Where(k => k != CarrierRows.WebhookSecret).Order(StringComparer.Ordinal)], row.Enabled, row.IsOpen, row.IsOpen ? row.OpenUntil : null, row.Failures, row.FailingSince, row.LastError,
            row.LastSuccessAt, row.Spoken is { } spoken ? Can(spoken) : [], why, row.SavedAt, row.SavedBy);
    }
}
