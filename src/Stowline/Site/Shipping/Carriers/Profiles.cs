using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Kernel;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>The profiles that come with Stowline, and the checking of others.</summary>
public static class Profiles
{
    private static readonly string[] Roots = ["from", "to", "settings", "secrets", "packages", "item", "reference", "booking_id", "order_id", "order_number", "external_id", "channel", "site", "service",
        "site_number", "package_count", "weight_g", "weight_kg", "weight_oz", "length_cm", "width_cm", "height_cm", "length_in", "width_in", "height_in", "today", "time", "tracking_number", "carrier_ref",
        "first", "token", "now_ms", "date", "number"];

    /// <summary>What only signatures may name.</summary>
    private static readonly string[] OfRequests = ["method", "path", "body"];

    /// <summary>By reflection: source-generated readers would set what is not given to nothing instead of leaving its default.</summary>
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true, ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true, MaxDepth = 32,
    };

    private static readonly Lazy<IReadOnlyDictionary<string, CarrierProfile>> Loaded = new(Load);

    /// <summary>The built-in profiles by name.</summary>
    public static IReadOnlyDictionary<string, CarrierProfile> BuiltIn => Loaded.Value;

    private static Dictionary<string, CarrierProfile> Load()
    {
        var assembly = typeof(Profiles).Assembly;
        var found = new Dictionary<string, CarrierProfile>(StringComparer.Ordinal);
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.Contains(".Shipping.Profiles.", StringComparison.Ordinal)))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            var profile = Parse(reader.ReadToEnd());
            if (profile.Refusal is { } no) throw new InvalidOperationException($"{name}: {no.Detail}");
            found[profile.Value.Name] = profile.Value;
        }
        return found;
    }

    /// <summary>Reads and checks a profile; what is wrong with it is named by its path.</summary>
    public static Outcome<CarrierProfile> Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<CarrierProfile>(json, Options) is { } profile ? Check(profile) : Refusal.Invalid("definition", "must not be null");
        }
        catch (JsonException e)
        {
            return Refusal.Invalid(e.Path is { Length: > 2 } path ? "definition" + path[1..] : "definition", e.Message.Split(" Path:")[0]);
        }
    }

    private static Outcome<CarrierProfile> Check(CarrierProfile profile)
    {
        var problems = new Problems();
        problems.Check(profile.Name.Length is > 0 and <= 64, "definition.name", "must be 1–64 characters");
        problems.Check(profile.TimeoutS is >= 1 and <= 60, "definition.timeout_s", "must be 1–60");
        problems.Check(profile.Parallel is >= 1 and <= 32, "definition.parallel", "must be 1–32");
        problems.Check(profile.SettleS is >= 0 and <= 3_600, "definition.settle_s", "must be 0–3600");
        problems.Check(profile.TrackEveryM is >= 5 and <= 1_440, "definition.track_every_m", "must be 5–1440");
        problems.Check(TimeZoneInfo.TryFindSystemTimeZoneById(profile.TimeZone, out _), "definition.time_zone", "must be an IANA time zone such as Europe/Belgrade");
        problems.Check(profile.AfterLoss != LostAnswer.Find || profile.Find is not null, "definition.find", "is required for after_loss find");
        problems.Check(profile.Create is null || profile.Numbers is not null || profile.Create.Read.ContainsKey("tracking_number"), "definition.create.read.tracking_number", "is required without numbers");
        foreach (var (name, call) in profile.Calls) CheckCall(call, $"definition.{name}", problems);
        problems.Check(profile.Manifest is null || profile.Manifest.Read.ContainsKey("number"), "definition.manifest.read.number", "is required");
        problems.Check(profile.Manifests is null || profile.Manifests.Read.ContainsKey("number"), "definition.manifests.read.number", "is required");
        if (profile.Token is { } token)
        {
            CheckCall(token, "definition.token", problems);
            problems.Check(token.Read.ContainsKey("token"), "definition.token.read.token", "is required");
        }
        if (profile.Sign is { } sign)
        {
            problems.Check(sign.Header.Length > 0, "definition.sign.header", "is required");
            foreach (var (name, text) in new[] { ("key", sign.Key), ("text", sign.Text), ("text_without_body", sign.TextWithoutBody) })
            {
                problems.Check(text.Length > 0, "definition.sign." + name, "is required");
                CheckText(text, "definition.sign." + name, problems, OfRequests);
            }
        }
        foreach (var (name, text) in profile.Headers) CheckText(text, $"definition.headers.{name}", problems);
        CheckText(profile.Basic ?? "", "definition.basic", problems);
        if (profile.Webhook is { } hook)
        {
            problems.Check(hook.Signature is "none" or "field" or "hmac_sha256_hex", "definition.webhook.signature", "must be none, field or hmac_sha256_hex");
            problems.Check(hook.Signature == "none" || hook.Secret is not null && profile.Secrets.Any(s => s.TrimEnd('?') == hook.Secret), "definition.webhook.secret", "must be one of secrets");
            problems.Check(hook.Signature != "field" || hook.Field is not null, "definition.webhook.field", "is required");
            problems.Check(hook.Signature != "hmac_sha256_hex" || hook.Header is not null, "definition.webhook.header", "is required");
            problems.Check(hook.Read.ContainsKey("code") && (hook.Read.ContainsKey("reference") || hook.Read.ContainsKey("tracking_number")), "definition.webhook.read", "needs code, and reference or tracking_number");
        }
        return problems.Any ? problems.ToRefusal() : profile;
    }

    private static void CheckCall(ProfileCall call, string field, Problems problems)
    {
        problems.Check(call.Method is "GET" or "POST" or "PUT" or "DELETE" or "PATCH", field + ".method", "must be GET, POST, PUT, PATCH or DELETE");
        CheckText(call.Path, field + ".path", problems);
        foreach (var (name, text) in call.Headers) CheckText(text, $"{field}.headers.{name}", problems);
        CheckBody(call.Body, field + ".body", problems);
        if (call.First is not { } first) return;
        problems.Check(first.First is null, field + ".first.first", "must not be given: one question comes before");
        CheckCall(first with { First = null }, field + ".first", problems);
    }

    private static void CheckBody(JsonNode? body, string field, Problems problems)
    {
        switch (body)
        {
            case JsonObject o:
                foreach (var (name, child) in o) CheckBody(child, $"{field}.{name}", problems);
                break;
            case JsonArray a:
                for (var i = 0; i < a.Count; i++) CheckBody(a[i], $"{field}[{i}]", problems);
                break;
            case JsonValue v when v.TryGetValue<string>(out var text):
                CheckText(text, field, problems);
                break;
        }
    }

    /// <summary>A misspelt placeholder would be sent as an empty value, and be found at the carrier's.</summary>
    private static void CheckText(string text, string field, Problems problems, params string[] more)
    {
        foreach (var (start, end) in Template.Places(text))
        {
            var parts = text[(start + 1)..end].Split('|');
            var root = parts[0].Split('.', '[')[0];
            problems.Check(Roots.Contains(root, StringComparer.Ordinal) || more.Contains(root, StringComparer.Ordinal), field, $"has the placeholder {{{parts[0]}}}, which begins with none of {string.Join(", ", Roots)}");
            foreach (var filter in parts.Skip(1))
            {
                var (name, argument) = filter.Split(':', 2) is [var n, var a] ? (n, a) : (filter, "");
                problems.Check(Template.Filters.Contains(name, StringComparer.Ordinal), field, $"has the filter {name}; known are {string.Join(", ", Template.Filters)}");
                problems.Check(name != "max" || int.TryParse(argument, NumberStyles.None, CultureInfo.InvariantCulture, out var most) && most > 0, field, "needs a number after max:");
            }
        }
    }

    /// <summary>A carrier's own word for a state: the first that fits (<see cref="JsonWords.Fits"/>); unknown where its profile has none.</summary>
    internal static ParcelStatus StatusOf(CarrierProfile profile, string code) => profile.Statuses.FirstOrDefault(s => JsonWords.Fits(s.Key, code)).Value;

    /// <summary>A time in an answer: as the profile's formats say, else RFC 3339; without an offset it is the carrier's local time. Null when it is none.</summary>
    internal static DateTimeOffset? TimeOf(CarrierProfile profile, string text)
    {
        if (text.Length == 0) return null;
        var zone = TimeZoneInfo.FindSystemTimeZoneById(profile.TimeZone);
        if (profile.TimeFormats.Count > 0 && DateTime.TryParseExact(text, [.. profile.TimeFormats], CultureInfo.InvariantCulture, DateTimeStyles.None, out var exact)) return Local(exact, zone);
        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed)) return null;
        var hasOffset = text.EndsWith('Z') || text.Length > 6 && text[^6] is '+' or '-' && text.Contains(':');
        return (hasOffset ? parsed : Local(parsed.UtcDateTime, zone)).ToUniversalTime();
    }

    /// <summary>An hour that does not exist in spring is taken as if the clocks had not been changed.</summary>
    private static DateTimeOffset Local(DateTime local, TimeZoneInfo zone)
    {
        var at = DateTime.SpecifyKind(local, DateTimeKind.Unspecified);
        return new DateTimeOffset(at, zone.IsInvalidTime(at) ? zone.BaseUtcOffset : zone.GetUtcOffset(at)).ToUniversalTime();
    }
}
