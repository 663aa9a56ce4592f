using Stowline.Contracts;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>Which day it is at a site: lots expire, and bins are counted, by the site's own date.</summary>
public static class SiteClock
{
    private sealed record Row { public string? TimeZone { get; init; } }

    private const string Select = "SELECT time_zone FROM site_clocks WHERE site = @site";

    /// <summary>The site's date at the transaction's time.</summary>
    public static async ValueTask<DateOnly> TodayAsync(LaneTransaction tx, string site) => DateAt(await tx.FindAsync<Row>(Select, new { site }), tx.Now);

    public static async ValueTask<DateOnly> TodayAsync(SqlSession session, string site, DateTimeOffset now) => DateAt(await session.FindAsync<Row>(Select, new { site }), now);

    private static DateOnly DateAt(Row? row, DateTimeOffset now) => DateOnly.FromDateTime(
        TimeZoneInfo.ConvertTime(now, row?.TimeZone is { } name && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone : TimeZoneInfo.Utc).DateTime);
}

/// <summary>Keeps a site's time zone by what the hub tells every site.</summary>
internal sealed class ClockConsumer(string site) : Consumer
{
    // Each site has a cursor of its own on the one lane, so the site is in the name.
    public override string Name => "site-clock/" + site;
    public override Lane Target(Lane source) => Lane.Site(site);
    public override bool Wants(string type) => type == SiteSaved.Type;

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var saved in events.Select(e => e.Read<SiteSaved>()).Where(s => s.Code == site))
        {
            await tx.WriteAsync("INSERT INTO site_clocks (site, time_zone) VALUES (@site, @zone) ON CONFLICT (site) DO UPDATE SET time_zone = excluded.time_zone",
                new { site, zone = saved.TimeZone });
        }
    }
}
