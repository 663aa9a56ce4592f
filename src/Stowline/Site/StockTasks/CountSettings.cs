using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.StockTasks;

/// <summary>How a site counts. What is not given is as it is by default.</summary>
public sealed record CountSettingsBody(int? EveryDays, int? BinsPerDay, int? RecountUnits, int? RecountPercent);

/// <summary>How a site counts (W5).</summary>
/// <param name="EveryDays">Each bin with goods is counted once in so many days; null for no plan.</param>
/// <param name="BinsPerDay">So many bins at most are planned for a day.</param>
/// <param name="RecountUnits">A difference is large when it is more than so many units</param>
/// <param name="RecountPercent">and more than so many percent of what the books say.</param>
public sealed record CountSettingsView(string Site, int? EveryDays, int BinsPerDay, int RecountUnits, int RecountPercent);

/// <summary><c>PUT /sites/{code}/count-settings</c>: the plan of cycle counts, and when a count is not believed at once.</summary>
public static class CountSettings
{
    internal const int DefaultBinsPerDay = 20;
    internal const int DefaultRecountUnits = 2;
    internal const int DefaultRecountPercent = 5;

    internal sealed record Row
    {
        public string Site { get; init; } = "";
        public int? EveryDays { get; init; }
        public int BinsPerDay { get; init; } = DefaultBinsPerDay;
        public int RecountUnits { get; init; } = DefaultRecountUnits;
        public int RecountPercent { get; init; } = DefaultRecountPercent;
        public DateOnly? PlannedOn { get; init; }

        public CountSettingsView Shown => new(Site, EveryDays, BinsPerDay, RecountUnits, RecountPercent);
    }

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.Put("/sites/{code}/count-settings", http => SitePath.RunAsync<CountSettingsBody, CountSettingsView>(http, node, DecideAsync))
            .WithTags("Stock tasks").WithSummary("Set the plan of cycle counts, and when a count is counted again").Accepts<CountSettingsBody>("application/json").Produces<CountSettingsView>();
        api.Get("/sites/{code}/count-settings", http => SitePath.ReadAsync(http, node,
                async site => (Outcome<CountSettingsView>)(await node.Database.ReadAsync(async s => await ReadAsync(s, site))).Shown))
            .WithTags("Stock tasks").WithSummary("How a site counts").Produces<CountSettingsView>();
    }

    public static async ValueTask<Outcome<CountSettingsView>> DecideAsync(string site, CountSettingsBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        problems.Check(body.EveryDays is null or (>= 1 and <= 3650), "every_days", "must be 1–3650");
        problems.Check(body.BinsPerDay is null or (>= 1 and <= 1000), "bins_per_day", "must be 1–1000");
        problems.Check(body.RecountUnits is null or (>= 0 and <= Limits.MaxQuantity), "recount_units", $"must be 0–{Limits.MaxQuantity}");
        problems.Check(body.RecountPercent is null or (>= 0 and <= 100), "recount_percent", "must be 0–100");
        if (problems.Any) return problems.ToRefusal();
        var saved = new CountSettingsSaved(body.EveryDays, body.BinsPerDay ?? DefaultBinsPerDay, body.RecountUnits ?? DefaultRecountUnits, body.RecountPercent ?? DefaultRecountPercent);
        await WriteAsync(tx, site, saved);
        tx.Append(Lane.Site(site), saved, $"count-settings/{site}");
        return new CountSettingsView(site, saved.EveryDays, saved.BinsPerDay, saved.RecountUnits, saved.RecountPercent);
    }

    internal static ValueTask WriteAsync(LaneTransaction tx, string site, CountSettingsSaved saved) => tx.WriteAsync("""
        INSERT INTO count_settings (site, every_days, bins_per_day, recount_units, recount_percent) VALUES (@site, @days, @bins, @units, @percent)
        ON CONFLICT (site) DO UPDATE SET every_days = excluded.every_days, bins_per_day = excluded.bins_per_day, recount_units = excluded.recount_units,
            recount_percent = excluded.recount_percent
        """, new { site, days = saved.EveryDays, bins = saved.BinsPerDay, units = saved.RecountUnits, percent = saved.RecountPercent });

    internal static async ValueTask<Row> ReadAsync(SqlSession session, string site) => await session.FindAsync<Row>(
        "SELECT site, every_days, bins_per_day, recount_units, recount_percent, planned_on FROM count_settings WHERE site = @site", new { site }) ?? new Row { Site = site };
}
