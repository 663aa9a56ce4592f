using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Promising;

/// <summary>How a site promises its capacity, as a caller gives it (K2). What is not given: slots of 15 minutes, lead of 15, visible 30 before, today only, open when the site works (its <c>working_hours</c>, always where it has none).</summary>
public sealed record SlotPlanBody
{
    public long? LengthMinutes { get; init; }
    /// <summary>money, units or minutes.</summary>
    public SlotMeasure? Measure { get; init; }
    /// <summary>Pieces or minutes per slot.</summary>
    public long? Capacity { get; init; }
    /// <summary>Money per slot, with the measure money.</summary>
    public Money? CapacityMoney { get; init; }
    public long? LeadMinutes { get; init; }
    public long? VisibleMinutes { get; init; }
    public long? Days { get; init; }
    public OpeningHours? Hours { get; init; }
}

/// <summary>The plan as it is answered.</summary>
public sealed record SlotPlanView(string Site, int LengthMinutes, SlotMeasure Measure, long? Capacity, Money? CapacityMoney, int LeadMinutes, int VisibleMinutes, int Days,
    OpeningHours Hours, string TimeZone)
{
    /// <summary>The hours are the site's <c>working_hours</c> and change with them.</summary>
    public required bool FollowsSite { get; init; }
}

/// <summary>One slot as the preview shows it; amounts in the plan's measure (money in ten-thousandths).</summary>
public sealed record SlotPreview(string Id, DateTimeOffset Start, DateTimeOffset End, DateTimeOffset VisibleAt, long Capacity, long Used, long Free);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SlotPlanBody))]
[JsonSerializable(typeof(SlotPlanView))]
[JsonSerializable(typeof(Page<SlotPreview>))]
[JsonSerializable(typeof(SlotView))]
[JsonSerializable(typeof(OpeningHours))]
internal sealed partial class SlotJson : JsonSerializerContext;

/// <summary><c>PUT /sites/{code}/slot-plan</c> and the preview <c>GET /sites/{code}/slots</c>.</summary>
public static class SlotPlans
{
    internal const string Columns = "site, length_minutes, measure, capacity, currency, lead_minutes, visible_minutes, days, hours";

    /// <summary>A row of <see cref="Columns"/>; where it names no hours, with the site's.</summary>
    internal static SlotPlan Read(RowReader row, WorkingHours? works)
    {
        var hours = JsonSerializer.Deserialize(row.GetString(8), SlotJson.Default.OpeningHours);
        return Read(row) with { Hours = hours ?? OpeningHours.Of(works), FollowsSite = hours is null };
    }

    private static SlotPlan Read(RowReader row) => new()
    {
        Site = row.GetString(0), LengthMinutes = row.GetInt32(1), Measure = (SlotMeasure)row.GetInt32(2), Capacity = row.GetInt64(3), Currency = row.GetStringOrNull(4),
        LeadMinutes = row.GetInt32(5), VisibleMinutes = row.GetInt32(6), Days = row.GetInt32(7),
    };

    internal static TimeZoneInfo ZoneOf(string? name) => name is not null && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone : TimeZoneInfo.Utc;

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapPut("/sites/{code}/slot-plan", (HttpContext http, string code) =>
                Commands.RunAsync<SlotPlanBody, SlotPlanView>(http, node.Lanes, Lane.Hub, (body, tx) => DecideAsync(code, body, tx)))
            .WithTags("Slots").WithSummary("Set how a site promises its capacity: slots, capacity, hours").Accepts<SlotPlanBody>("application/json").Produces<SlotPlanView>();
        api.MapGet("/sites/{code}/slot-plan", async (HttpContext http, string code) =>
        {
            var found = await node.Database.ReadAsync(s => FindAsync(s, code), http.RequestAborted);
            Outcome<SlotPlanView> answer = found is { } f ? View(f.Plan, f.Zone) : NoPlan(code);
            await Answers.WriteAsync(http, answer);
        }).WithTags("Slots").WithSummary("How a site promises its capacity").Produces<SlotPlanView>();
        api.MapGet("/sites/{code}/slots", (HttpContext http, string code) => PreviewAsync(http, node, code))
            .WithTags("Slots").WithSummary("The open slots of a day and what is free in them").Reads("date", "The day on the site's clock; today when not given.", format: "date")
            .Produces<Page<SlotPreview>>();
    }

    private static Refusal NoPlan(string site) => Refusal.NotFound("slot_plan_not_found", $"{site} promises without slots");

    /// <summary>Length and measure cannot change while slots to come hold something: 409 <c>slots_in_use</c>.</summary>
    public static async ValueTask<Outcome<SlotPlanView>> DecideAsync(string site, SlotPlanBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var plan = Check(site, body, problems);
        if (problems.Any) return problems.ToRefusal();
        if (await ReadSites.ClockAsync(tx, site) is not { } clock) return Refusal.NotFound("site_not_found", $"there is no site {site}");
        SlotPlan? before = null;
        await tx.SelectAsync($"SELECT {Columns} FROM slot_plans WHERE site = k.site", 1, [Column.Of("site", new[] { site })], row => before = Read(row));
        if (before is not null && (before.LengthMinutes, before.Measure, before.Currency) != (plan.LengthMinutes, plan.Measure, plan.Currency)
            && await tx.FindAsync<long?>("SELECT starts_at FROM slots WHERE site = @site AND starts_at >= @now AND used > 0 LIMIT 1",
                new { site, now = tx.Now.ToUnixTimeSeconds() - before.LengthSeconds }) is not null)
            return Refusal.Conflict("slots_in_use", "length and measure cannot change while slots to come hold orders");
        await tx.WriteAsync("""
            INSERT INTO slot_plans (site, length_minutes, measure, capacity, currency, lead_minutes, visible_minutes, days, hours, saved_at)
            VALUES (@site, @length, @measure, @capacity, @currency, @lead, @visible, @days, @hours, @now)
            ON CONFLICT (site) DO UPDATE SET length_minutes = excluded.length_minutes, measure = excluded.measure, capacity = excluded.capacity, currency = excluded.currency,
                lead_minutes = excluded.lead_minutes, visible_minutes = excluded.visible_minutes, days = excluded.days, hours = excluded.hours, saved_at = excluded.saved_at
            """, new
            {
                site, length = plan.LengthMinutes, measure = plan.Measure, capacity = plan.Capacity, currency = plan.Currency, lead = plan.LeadMinutes,
                visible = plan.VisibleMinutes, days = plan.Days, hours = body.Hours is null ? "null" : JsonSerializer.Serialize(body.Hours, SlotJson.Default.OpeningHours), now = tx.Now,
            });
        tx.Append(Lane.HubAll, new SlotPlanSaved(site, plan.LengthMinutes, SnakeCaseEnum<SlotMeasure>.Text(plan.Measure), plan.Capacity), "slots/" + site);
        return View(plan with { Hours = body.Hours ?? OpeningHours.Of(clock.Hours) }, clock.Zone);
    }

    private static SlotPlan Check(string site, SlotPlanBody body, Problems problems)
    {
        problems.Check(body.LengthMinutes is null or (>= 1 and <= 1440), "length_minutes", "must be 1–1,440");
        problems.Check(body.Measure is not null, "measure", "is required: " + SnakeCaseEnum<SlotMeasure>.Choices);
        if (body.Measure == SlotMeasure.Money) problems.Check(body.CapacityMoney is { Amount: > 0 }, "capacity_money", "is required and must be positive");
        else problems.Check(body.Capacity is > 0 and <= Limits.MaxQuantity, "capacity", $"is required: 1–{Limits.MaxQuantity}");
        problems.Check(body.LeadMinutes is null or (>= 0 and <= 100_000), "lead_minutes", "must be 0–100,000");
        problems.Check(body.VisibleMinutes is null or (>= 0 and <= 100_000), "visible_minutes", "must be 0–100,000");
        problems.Check(body.Days is null or (>= 1 and <= 400), "days", "must be 1–400");
        body.Hours?.Check("hours", problems);
        return problems.Any ? new SlotPlan() : new SlotPlan
        {
            Site = site, LengthMinutes = (int)(body.LengthMinutes ?? 15), Measure = body.Measure!.Value, Currency = body.Measure == SlotMeasure.Money ? body.CapacityMoney!.Value.Currency : null,
            Capacity = body.Measure == SlotMeasure.Money ? body.CapacityMoney!.Value.ToE4() : body.Capacity!.Value, LeadMinutes = (int)(body.LeadMinutes ?? 15),
            VisibleMinutes = (int)(body.VisibleMinutes ?? 30), Days = (int)(body.Days ?? 1), FollowsSite = body.Hours is null,
        };
    }

    private static SlotPlanView View(SlotPlan plan, string zone) => new(plan.Site, plan.LengthMinutes, plan.Measure, plan.Measure == SlotMeasure.Money ? null : plan.Capacity,
        plan.Measure == SlotMeasure.Money ? Money.FromE4(plan.Capacity, plan.Currency!) : null, plan.LeadMinutes, plan.VisibleMinutes, plan.Days, plan.Hours, zone) { FollowsSite = plan.FollowsSite };

    private static async Task<(SlotPlan Plan, string Zone)?> FindAsync(SqlSession session, string site)
    {
        if (await ReadSites.ClockAsync(session, site) is not { } clock) return null;
        SlotPlan? plan = null;
        await session.SelectAsync($"SELECT {Columns} FROM slot_plans WHERE site = k.site", 1, [Column.Of("site", new[] { site })], row => plan = Read(row, clock.Hours));
        return plan is null ? null : (plan, clock.Zone);
    }

    private sealed record UsedRow { public long StartsAt { get; init; } public long Used { get; init; } }

    private static async Task PreviewAsync(HttpContext http, Node node, string code)
    {
        DateOnly date = default;
        var asked = Requests.Query(http, "date");
        // The days around it are looked at too, and there is none before the first and behind the last that can be written.
        if (asked is not null && (!DateOnly.TryParseExact(asked, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out date) || date.Year is < 1970 or > 9000))
        {
            await Answers.WriteAsync(http, Refusal.Invalid("date", "must be a date such as 2026-12-24, from 1970 to 9000"));
            return;
        }
        if (await node.Database.ReadAsync(s => FindAsync(s, code), http.RequestAborted) is not { } found) { await Answers.WriteAsync(http, NoPlan(code)); return; }
        var (plan, zone) = (found.Plan, ZoneOf(found.Zone));
        if (asked is null) date = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(node.Time.GetUtcNow(), zone).DateTime);
        var calendar = new SlotCalendar(plan, zone);
        var midnight = new DateTimeOffset(date.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero).ToUnixTimeSeconds();
        var rows = await node.Database.ReadAsync(async s => await s.QueryAsync<UsedRow>("SELECT starts_at, used FROM slots WHERE site = @code AND starts_at >= @from AND starts_at < @to",
            new { code, from = midnight - 86_400, to = midnight + 3 * 86_400L }), http.RequestAborted);
        foreach (var row in rows) calendar.Set(row.StartsAt, row.Used);
        await Answers.WriteAsync(http, (Outcome<Page<SlotPreview>>)new Page<SlotPreview>([.. calendar.On(date).Select(s =>
        {
            var view = SlotBook.View(plan, [new SlotShare(s.Start, 0)]);
            return new SlotPreview(view.Id, view.Start, view.End, view.VisibleAt, plan.Capacity, s.Used, Math.Max(0, plan.Capacity - s.Used));
        })], null));
    }

    internal static IEnumerable<(string Check, Func<SqlSession, Task<string?>> Run)> Checks =>
    [
        ("slot_capacity", async s => await s.FindAsync<string>("SELECT 'slot ' || starts_at || ' of ' || site || ' is over its capacity' FROM slots WHERE used > capacity LIMIT 1")),
        ("slot_holds", async s => await s.FindAsync<string>("""
            SELECT 'slot ' || starts_at || ' of ' || site || ' does not equal what orders hold in it' FROM (
                SELECT site, starts_at, used AS amount FROM slots UNION ALL SELECT site, starts_at, -amount FROM slot_holds) AS kept
            GROUP BY site, starts_at HAVING SUM(amount) <> 0 LIMIT 1
            """)),
    ];
}

/// <summary>What sites have taken off the menu, as the hub knows it (K1: 86).</summary>
public static class MenuStops
{
    public static async ValueTask<IReadOnlySet<(string Site, string Sku)>> LoadAsync(LaneTransaction tx)
    {
        var stops = new HashSet<(string, string)>();
        await tx.SelectAsync("SELECT site, sku FROM menu_stops WHERE site <> k.none", 1, [Column.Of("none", new[] { "" })], row => stops.Add((row.GetString(0), row.GetString(1))));
        return stops;
    }

    public static ValueTask StopAsync(LaneTransaction tx, string site, DishStopped stopped) => tx.WriteAsync("""
        INSERT INTO menu_stops (site, sku, reason, stopped_at) VALUES (@site, @sku, @reason, @now)
        ON CONFLICT (site, sku) DO UPDATE SET reason = excluded.reason, stopped_at = excluded.stopped_at
        """, new { site, sku = stopped.Sku, reason = stopped.Reason, now = tx.Now });

    public static ValueTask ResumeAsync(LaneTransaction tx, string site, DishResumed resumed) =>
        tx.WriteAsync("DELETE FROM menu_stops WHERE site = @site AND sku = @sku", new { site, sku = resumed.Sku });
}

/// <summary>How full slots have become.</summary>
public static class SlotLoads
{
    /// <summary>The highest load of any slot of a site, in its measure.</summary>
    public static async Task<long> MaxAsync(SqlSession session, string site) => await session.FindAsync<long?>("SELECT MAX(used) FROM slots WHERE site = @site", new { site }) ?? 0;
}
