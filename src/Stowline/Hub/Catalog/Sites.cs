using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Catalog;

/// <summary>A site as a caller gives it (W10). Coordinates in degrees; reliability 0–1; free JSON for capabilities and working hours.</summary>
public sealed record SiteBody
{
    public string? Name { get; init; }
    public SiteType? Type { get; init; }
    public string? City { get; init; }
    public string? Address { get; init; }
    public string? PostalCode { get; init; }
    public string? Country { get; init; }
    public double? Latitude { get; init; }
    public double? Longitude { get; init; }
    public string? Parent { get; init; }
    public JsonElement? Capabilities { get; init; }
    public JsonElement? WorkingHours { get; init; }
    public string? TimeZone { get; init; }
    public double? Reliability { get; init; }
    public bool? Active { get; init; }
}

/// <summary>A site as it is answered. <see cref="Number"/> is the old systems' <c>warehouse_id</c>.</summary>
public sealed record SiteView
{
    public required string Code { get; init; }
    public required int Number { get; init; }
    public required string Name { get; init; }
    public required SiteType Type { get; init; }
    public string? City { get; init; }
    public string? Address { get; init; }
    public string? PostalCode { get; init; }
    public string? Country { get; init; }
    public double? Latitude { get; init; }
    public double? Longitude { get; init; }
    public string? Parent { get; init; }
    public JsonElement? Capabilities { get; init; }
    public JsonElement? WorkingHours { get; init; }
    public string? TimeZone { get; init; }
    public double Reliability { get; init; }
    public bool Active { get; init; }
}

/// <summary>
/// Creates or changes a site. A new one gets its ordinal and its two lanes; storefronts and kitchens keep 20 % for their own counter
/// (architecture, Policy).
/// </summary>
public static class SaveSite
{
    internal static void Map(IEndpointRouteBuilder api, Node node) =>
        api.MapPut("/sites/{code}", (HttpContext http, string code) => Commands.RunAsync<SiteBody, SiteView>(http, node.Lanes, Lane.Hub,
            (body, tx) => DecideAsync(code, body, tx, node))).WithTags("Sites").WithSummary("Create or replace a site").Accepts<SiteBody>("application/json").Produces<SiteView>();

    public static async ValueTask<Outcome<SiteView>> DecideAsync(string code, SiteBody body, LaneTransaction tx, Node node)
    {
        var problems = new Problems();
        var site = Check(code, body, problems);
        if (problems.Any) return problems.ToRefusal();
        // "hub/all" is a lane of its own, and a slash would make one site's lane look like another's.
        if (site.Code == "all" || site.Code.Contains('/')) return Refusal.Invalid("code", "must not be \"all\" nor contain a slash");
        if (site.Parent is { } parent && (parent == site.Code || await tx.FindAsync<string>("SELECT code FROM sites WHERE code = @parent", new { parent }) is null))
            return Refusal.Invalid("parent", $"there is no other site {parent}");
        var ordinal = await tx.FindAsync<int?>("SELECT ordinal FROM sites WHERE code = @code", new { code = site.Code });
        var isNew = ordinal is null;
        ordinal ??= (await tx.FindAsync<int?>("SELECT MAX(ordinal) FROM sites") ?? 0) + 1;
        if (ordinal > 9_000) return Refusal.Conflict("too_many_sites", "a hub has at most 9,000 sites");
        site = site with { Number = ordinal.Value };
        await WriteAsync(site, tx);
        if (isNew)
        {
            await tx.OpenLaneAsync(Lane.HubTo(site.Code), site.Number);
            await tx.OpenLaneAsync(Lane.Site(site.Code), site.Number);
            if (site.Type is SiteType.Storefront or SiteType.Kitchen) tx.Append(Lane.HubTo(site.Code), new PolicyChanged("*", 0, 20), "policy/*");
            if (site.Type == SiteType.Workshop) tx.Append(Lane.HubTo(site.Code), new StagesPreset("workshop"), "stages");
            tx.OnCommitted(() => node.AddSite(site.Code));
            tx.Announce(SiteWatch.Topic);
        }
        tx.Append(Lane.HubAll, new SiteSaved(site.Code, site.Number, site.Name, SnakeCaseEnum<SiteType>.Text(site.Type), site.Active, site.City, site.Address,
            site.PostalCode, site.Country, site.Latitude, site.Longitude, site.TimeZone), "site/" + site.Code);
        return site;
    }

    private static SiteView Check(string code, SiteBody body, Problems problems)
    {
        var name = problems.Text(body.Name?.Trim(), "name", 255);
        problems.Check(!string.IsNullOrEmpty(name), "name", "is required");
        problems.Check(body.Type is not null, "type", "is required: " + SnakeCaseEnum<SiteType>.Choices);
        problems.Check(body.Latitude is null or (>= -90 and <= 90), "latitude", "must be -90 to 90");
        problems.Check(body.Longitude is null or (>= -180 and <= 180), "longitude", "must be -180 to 180");
        problems.Check(body.Latitude is null == body.Longitude is null, "longitude", "comes with latitude, or not at all");
        problems.Check(body.Reliability is null or (>= 0 and <= 1), "reliability", "must be 0 to 1");
        problems.Check(body.TimeZone is null || TimeZoneInfo.TryFindSystemTimeZoneById(body.TimeZone, out _), "time_zone", "must be an IANA time zone such as Europe/Belgrade");
        problems.Check(body.Country is null or { Length: 2 }, "country", "must be two letters (ISO 3166)");
        return new SiteView
        {
            Code = problems.Code(code, "code"), Number = 0, Name = name ?? "", Type = body.Type ?? SiteType.Warehouse,
            City = problems.Text(body.City, "city", 128), Address = problems.Text(body.Address, "address", 500),
            PostalCode = problems.Text(body.PostalCode, "postal_code", 32), Country = body.Country, Latitude = body.Latitude, Longitude = body.Longitude,
            Parent = body.Parent is null ? null : problems.Code(body.Parent, "parent"),
            Capabilities = Json(body.Capabilities, "capabilities", problems), WorkingHours = Json(body.WorkingHours, "working_hours", problems),
            TimeZone = body.TimeZone, Reliability = body.Reliability ?? 1, Active = body.Active ?? true,
        };
    }

    private static JsonElement? Json(JsonElement? value, string field, Problems problems)
    {
        if (value is null or { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined }) return null;
        problems.Check(value.Value.GetRawText().Length <= 20_000, field, "is too large");
        return value;
    }

    internal static ValueTask WriteAsync(SiteView site, LaneTransaction tx) => tx.WriteAsync("""
        INSERT INTO sites (code, ordinal, name, type, city, address, postal_code, country, latitude, longitude, parent, capabilities, working_hours,
            time_zone, reliability, active, saved_at)
        VALUES (@code, @ordinal, @name, @type, @city, @address, @postalCode, @country, @latitude, @longitude, @parent, @capabilities, @workingHours,
            @timeZone, @reliability, @active, @now)
        ON CONFLICT (code) DO UPDATE SET name = excluded.name, type = excluded.type, city = excluded.city, address = excluded.address,
            postal_code = excluded.postal_code, country = excluded.country, latitude = excluded.latitude, longitude = excluded.longitude,
            parent = excluded.parent, capabilities = excluded.capabilities, working_hours = excluded.working_hours, time_zone = excluded.time_zone,
            reliability = excluded.reliability, active = excluded.active, saved_at = excluded.saved_at
        """, new
    {
        code = site.Code, ordinal = site.Number, name = site.Name, type = site.Type, city = site.City, address = site.Address, postalCode = site.PostalCode,
        country = site.Country, latitude = site.Latitude, longitude = site.Longitude, parent = site.Parent,
        capabilities = site.Capabilities?.GetRawText(), workingHours = site.WorkingHours?.GetRawText(), timeZone = site.TimeZone,
        reliability = site.Reliability, active = site.Active, now = tx.Now,
    });
}

/// <summary>Looking sites up.</summary>
public static class ReadSites
{
    internal const string Columns = """
        code, ordinal AS number, name, type, city, address, postal_code, country, latitude, longitude, parent, capabilities, working_hours, time_zone,
        reliability, active
        """;

    internal sealed record Row
    {
        public string Code { get; init; } = "";
        public int Number { get; init; }
        public string Name { get; init; } = "";
        public SiteType Type { get; init; }
        public string? City { get; init; }
        public string? Address { get; init; }
        public string? PostalCode { get; init; }
        public string? Country { get; init; }
        public double? Latitude { get; init; }
        public double? Longitude { get; init; }
        public string? Parent { get; init; }
        public string? Capabilities { get; init; }
        public string? WorkingHours { get; init; }
        public WorkingHours? Hours => WorkingHours is null ? null : Catalog.WorkingHours.Read(WorkingHours, TimeZone);
        public string? TimeZone { get; init; }
        public double Reliability { get; init; }
        public bool Active { get; init; }

        public SiteView View() => new()
        {
            Code = Code, Number = Number, Name = Name, Type = Type, City = City, Address = Address, PostalCode = PostalCode, Country = Country,
            Latitude = Latitude, Longitude = Longitude, Parent = Parent, Capabilities = Parse(Capabilities), WorkingHours = Parse(WorkingHours),
            TimeZone = TimeZone, Reliability = Reliability, Active = Active,
        };

        private static JsonElement? Parse(string? json) => json is null ? null : JsonDocument.Parse(json).RootElement;
    }

    public static async ValueTask<bool> ExistsAsync(LaneTransaction tx, string code) =>
        await tx.FindAsync<string>("SELECT code FROM sites WHERE code = @code", new { code }) is not null;

    /// <summary>Those of the codes that are sites.</summary>
    public static async Task<IReadOnlySet<string>> ThoseOfAsync(SqlSession session, string[] codes)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        await session.SelectAsync("SELECT code FROM sites WHERE code = k.code", codes.Length, [Column.Of("code", codes)], row => known.Add(row.GetString(0)));
        return known;
    }

    private const string Clock = "SELECT time_zone, working_hours FROM sites WHERE code = @code";

    /// <summary>The time zone of a site, UTC where it has none, and when it works; null where there is no such site.</summary>
    public static async ValueTask<(string Zone, WorkingHours? Hours)?> ClockAsync(LaneTransaction tx, string code) => Of(await tx.FindAsync<Row>(Clock, new { code }));
    public static async ValueTask<(string Zone, WorkingHours? Hours)?> ClockAsync(SqlSession session, string code) => Of(await session.FindAsync<Row>(Clock, new { code }));
    private static (string, WorkingHours?)? Of(Row? row) => row is null ? null : (row.TimeZone ?? "UTC", row.Hours);

    /// <summary>Where a site is, as an address; null where there is no such site.</summary>
    public static async ValueTask<Contracts.AddressDetails?> AddressAsync(LaneTransaction tx, string code) =>
        await tx.FindAsync<Row>($"SELECT {Columns} FROM sites WHERE code = @code", new { code }) is not { } site ? null
            : new Contracts.AddressDetails(site.Name, site.Address, null, site.City, null, site.PostalCode, site.Country, site.Latitude, site.Longitude);

    /// <summary>All sites, in order of code.</summary>
    public static async Task<IReadOnlyList<SiteView>> AllAsync(SqlSession session) =>
        [.. (await session.QueryAsync<Row>($"SELECT {Columns} FROM sites ORDER BY code")).Select(r => r.View())];

    /// <summary>The codes of sites that are switched off, were given up, or that a restored hub goes on without: nothing is promised from them.</summary>
    public static async Task<IReadOnlySet<string>> InactiveAsync(SqlSession session)
    {
        var inactive = new HashSet<string>(await session.QueryAsync<string>("SELECT code FROM sites WHERE active = @no", new { no = false }), StringComparer.Ordinal);
        inactive.UnionWith((await GivenUpSites.AllAsync(session)).Select(g => g.Site));
        inactive.UnionWith((await Repairs.AllAsync(session)).Where(r => r.State == RepairState.Excluded).Select(r => r.Site));
        return inactive;
    }

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapGet("/sites/{code}", async (HttpContext http, string code) =>
        {
            var row = await node.Database.ReadAsync(async s => await s.FindAsync<Row>($"SELECT {Columns} FROM sites WHERE code = @code", new { code }), http.RequestAborted);
            Outcome<SiteView> answer = row is null ? Refusal.NotFound("site_not_found", $"there is no site {code}") : row.View();
            await Answers.WriteAsync(http, answer);
        }).WithTags("Sites").WithSummary("One site by its code").Produces<SiteView>();

        api.Get("/sites", async http =>
        {
            var paging = Requests.Paging(http);
            if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
            var (limit, cursor) = paging.Value;
            var (type, active, parent, city) = (Requests.Query(http, "type"), Requests.Query(http, "active"), Requests.Query(http, "parent"), Requests.Query(http, "city"));
            var problems = new Problems();
            var kind = default(SiteType);
            problems.Check(type is null || SnakeCaseEnum<SiteType>.TryParse(type, out kind), "type", SnakeCaseEnum<SiteType>.Choices);
            problems.Check(active is null or "true" or "false", "active", "must be true or false");
            if (parent is not null) parent = problems.Code(parent, "parent");
            if (problems.Any) { await Answers.WriteAsync(http, problems.ToRefusal()); return; }
            var conditions = string.Concat(type is null ? "" : " AND type = @kind", active is null ? "" : " AND active = @isActive",
                parent is null ? "" : " AND parent = @parent", city is null ? "" : " AND city = @city");
            var rows = await node.Database.ReadAsync(async s => await s.QueryAsync<Row>($"SELECT {Columns} FROM sites WHERE code > @cursor{conditions} ORDER BY code LIMIT @more",
                new { cursor = cursor ?? "", kind, isActive = active == "true", parent, city, more = limit + 1 }), http.RequestAborted);
            await Answers.WriteAsync(http, (Outcome<Page<SiteView>>)new Page<SiteView>([.. rows.Take(limit).Select(r => r.View())],
                rows.Count > limit ? rows[limit - 1].Code : null));
        }).WithTags("Sites").WithSummary("Sites, in order of code").Pages<SiteView>()
            .Reads("type", "Only of this kind.", typeof(SiteType)).Reads("active", "true or false.").Reads("parent", "Only those below this site.").Reads("city", "Only in this city, exactly as it is written.");
    }
}

/// <summary>What routing must know of a site.</summary>
public sealed record SiteFacts(string Code, bool Active, double? Latitude, double? Longitude, double Reliability)
{
    public SiteType Type { get; init; } = SiteType.Warehouse;
    public string? TimeZone { get; init; }
    /// <summary>When it works; null around the clock.</summary>
    public WorkingHours? Hours { get; init; }
}

/// <summary>All sites, remembered for as long as the lane <c>hub/all</c> stands still.</summary>
public sealed class SiteDirectory
{
    private IReadOnlyDictionary<string, SiteFacts> _known = new Dictionary<string, SiteFacts>();
    private long _position = -1;

    /// <summary>Sites from which nothing may be promised for now, whatever the catalog says.</summary>
    public Func<string, bool> IsShut { get; init; } = _ => false;

    public async ValueTask<IReadOnlyDictionary<string, SiteFacts>> AllAsync(LaneTransaction tx)
    {
        var position = await tx.SettledHeadAsync(Lane.HubAll);
        if (position >= 0 && position == _position) return Open(_known);
        var all = await AllAsync(tx.Group.Session);
        if (position >= 0) (_known, _position) = (all, position);
        return Open(all);
    }

    /// <summary>All sites as they are in a session, without a memory.</summary>
    public static async Task<IReadOnlyDictionary<string, SiteFacts>> AllAsync(SqlSession session) =>
        (await session.QueryAsync<ReadSites.Row>($"SELECT {ReadSites.Columns} FROM sites")).ToDictionary(r => r.Code,
            r => new SiteFacts(r.Code, r.Active, r.Latitude, r.Longitude, r.Reliability) { Type = r.Type, TimeZone = r.TimeZone, Hours = r.Hours }, StringComparer.Ordinal);

    private IReadOnlyDictionary<string, SiteFacts> Open(IReadOnlyDictionary<string, SiteFacts> all) => !all.Keys.Any(IsShut) ? all
        : all.ToDictionary(s => s.Key, s => IsShut(s.Key) ? s.Value with { Active = false } : s.Value, StringComparer.Ordinal);
}
