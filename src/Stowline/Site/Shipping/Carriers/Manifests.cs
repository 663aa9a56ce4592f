using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>A day's parcels are to be closed into a list.</summary>
public sealed record ManifestBody
{
    public string? Carrier { get; init; }
    /// <summary>The day, as <c>2026-01-05</c>; without one today, where the carrier is.</summary>
    public string? Date { get; init; }
}

/// <summary>A list that a carrier collects parcels by (F5).</summary>
/// <param name="Parcels">How many it has, where the carrier says so.</param>
public sealed record ManifestView(string Carrier, string Number, string Date, DateTimeOffset? IssuedAt, int? Parcels);

/// <summary>
/// <c>/sites/{code}/carrier-manifests</c>: some carriers take parcels only from a list that closes the day. The carrier keeps its lists, so nothing is written here, and one whose answer was lost is found
/// among those of the day. Refusals: <c>carrier_not_found</c>, <c>carrier_unusable</c>, <c>no_manifests</c>, <c>manifest_refused</c>, <c>manifest_not_found</c>, <c>carrier_unavailable</c>.
/// </summary>
internal static class Manifests
{
    private const string Path = "/sites/{code}/carrier-manifests";
    private const int Most = 200;

    public static void Map(IEndpointRouteBuilder api, Node node, CarrierClient client)
    {
        api.MapPost(Path, (HttpContext http, string code) => IssueAsync(http, node, client, code))
            .WithTags("Carriers").WithSummary("Close a day's parcels into the list that a carrier collects by").Takes<ManifestBody>().Produces<ManifestView>(StatusCodes.Status201Created).KeepsNoAnswer();
        api.MapGet(Path, (HttpContext http, string code) => SitePath.ReadAsync<Page<ManifestView>>(http, node, async site =>
            {
                var listed = await ListAsync(node, client, site, Requests.Query(http, "carrier"), Requests.Query(http, "date"), http.RequestAborted);
                return listed.Refusal is { } no ? no : Pages.Of(http, listed.Value, m => m.Number);
            }))
            .WithTags("Carriers").WithSummary("A carrier's lists of a day").ShortPages<ManifestView>();
        api.MapGet(Path + "/{number}", (HttpContext http, string code, string number) => PaperAsync(http, node, client, code, number))
            .WithTags("Carriers").WithSummary("One list, as the carrier prints it").Produces<byte[]>(StatusCodes.Status200OK, "application/pdf");
    }

    private static async Task IssueAsync(HttpContext http, Node node, CarrierClient client, string code)
    {
        var body = await Requests.ReadAsync<ManifestBody>(http);
        if (body.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        if (Requests.CallerOf(http).Refusal is { } wrong) { await Answers.WriteAsync(http, wrong); return; }
        if (await SiteAsync(http, node, code) is not { } site) return;
        var issued = await IssueAsync(node, client, site, body.Value, http.RequestAborted);
        await Answers.WriteAsync(http, issued, StatusCodes.Status201Created, m => $"/api/v1/sites/{site}/carrier-manifests/{Uri.EscapeDataString(m.Number)}?carrier={m.Carrier}&date={m.Date}");
    }

    internal static async Task<Outcome<ManifestView>> IssueAsync(Node node, CarrierClient client, string site, ManifestBody body, CancellationToken ct)
    {
        var asked = await AskAsync(node, client, site, body.Carrier, body.Date, p => p.Manifest, "manifest", null, ct);
        if (asked.Refusal is { } no) return no;
        var (account, call, date, answer) = asked.Value;
        if (answer.Result == CallResult.Ok) return View(account, call, answer.Json, date);
        var blocking = call.Read.TryGetValue("blocking", out var path) && JsonWords.Find(answer.Json, path) is JsonArray { Count: > 0 } parcels ? ": " + string.Join(", ", parcels.Select(JsonWords.Text)) : "";
        return Refusal.Conflict("manifest_refused", (answer.Error ?? "the carrier refuses") + blocking);
    }

    internal static async Task<Outcome<List<ManifestView>>> ListAsync(Node node, CarrierClient client, string site, string? carrier, string? day, CancellationToken ct)
    {
        var asked = await AskAsync(node, client, site, carrier, day, p => p.Manifests, "manifests", null, ct);
        if (asked.Refusal is { } no) return no;
        var (account, call, date, answer) = asked.Value;
        if (answer.Result == CallResult.Refused) return Refusal.Conflict("manifest_refused", answer.Error ?? "the carrier refuses");
        var items = answer.Result != CallResult.Ok ? [] : call.Items is null ? [answer.Json] : JsonWords.Find(answer.Json, call.Items) as JsonArray ?? [];
        return items.Take(Most).Select(i => View(account, call, i, date)).Where(m => m.Number.Length > 0).ToList();
    }

    private static async Task PaperAsync(HttpContext http, Node node, CarrierClient client, string code, string number)
    {
        if (await SiteAsync(http, node, code) is not { } site) return;
        var asked = await AskAsync(node, client, site, Requests.Query(http, "carrier"), Requests.Query(http, "date"), p => p.ManifestPaper, "manifest_paper", number, http.RequestAborted);
        if (asked.Refusal is { } no) { await Answers.WriteAsync(http, no); return; }
        var (_, call, _, answer) = asked.Value;
        var text = answer.Result == CallResult.Ok && call.Read.TryGetValue("content", out var path) ? JsonWords.Read(answer.Json, path) : "";
        var bytes = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, bytes, out var length) || length == 0)
        {
            await Answers.WriteAsync(http, Refusal.NotFound("manifest_not_found", answer.Error ?? "the carrier's answer holds no document"));
            return;
        }
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        await Answers.WriteBytesAsync(http, 200, null, bytes[..length], LabelTypes.Of(bytes[..length], null));
    }

    /// <summary>The site that the path names, where its carriers are called from here; else the answer is written.</summary>
    private static async Task<string?> SiteAsync(HttpContext http, Node node, string code)
    {
        if (!CodeRule.TryNormalize(code, out var site) || !await node.KnowsSiteAsync(site, http.RequestAborted)) await Answers.WriteAsync(http, Refusal.NotFound("site_not_found", $"there is no site {code} here"));
        else if (node.IsRemote(site)) await Answers.WriteAsync(http, Replicas.Refuse(Lane.Site(site)));
        else return site;
        return null;
    }

    /// <summary>Makes one of the three calls. What the carrier refuses is an answer; one that cannot be asked now is a refusal.</summary>
    private static async Task<Outcome<(CarrierAccount Account, ProfileCall Call, string Date, CarrierAnswer Answer)>> AskAsync(
        Node node, CarrierClient client, string site, string? carrier, string? date, Func<CarrierProfile, ProfileCall?> choose, string operation, string? number, CancellationToken ct)
    {
        var problems = new Problems();
        var code = problems.Code(carrier, "carrier");
        problems.Check(date is null || DateOnly.TryParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _), "date", "must be a day such as 2026-01-05");
        problems.Check(number is null or { Length: <= 64 }, "number", "must be at most 64 characters");
        if (problems.Any) return problems.ToRefusal();
        var found = await node.Database.ReadAsync(s => AccountAsync(s, site, code!, node.Secrets), ct);
        if (found.Refusal is { } no) return no;
        var account = found.Value;
        if (choose(account.Profile) is not { } call) return Refusal.Conflict("no_manifests", $"the profile of {code} has no call for this");
        var today = TimeZoneInfo.ConvertTime(node.Time.GetUtcNow(), TimeZoneInfo.FindSystemTimeZoneById(account.Profile.TimeZone)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        var values = new JsonObject { ["site"] = site, ["today"] = today, ["date"] = date ?? today, ["number"] = number };
        var answer = await client.CallAsync(account, operation, call, values, ct);
        if (answer.Result is CallResult.Away or CallResult.Unclear) return new Refusal(RefusalKind.Unavailable, "carrier_unavailable", $"{code}: {answer.Error}; look among its lists of the day before you issue one again");
        return (account, call, date ?? today, answer);
    }

    private static async Task<Outcome<CarrierAccount>> AccountAsync(SqlSession session, string site, string carrier, SecretBox? box)
    {
        if (await CarrierRows.FindAsync(session, site, carrier) is not { } row) return SaveCarrier.NotFound(site, carrier);
        var (account, why) = row.Enabled ? await CarrierRows.AccountAsync(session, row, box) : (null, "it is switched off");
        return account is null ? Refusal.Conflict("carrier_unusable", $"{carrier}: {why}") : account;
    }

    private static ManifestView View(CarrierAccount account, ProfileCall call, JsonNode? item, string date)
    {
        string Word(string name) => call.Read.TryGetValue(name, out var path) ? JsonWords.Read(item, path) : "";
        return new ManifestView(account.Carrier, Word("number"), date, Profiles.TimeOf(account.Profile, Word("issued_at")),
            int.TryParse(Word("parcels"), NumberStyles.None, CultureInfo.InvariantCulture, out var parcels) ? parcels : null);
    }
}
