using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>An order that stands still for longer than the rules allow, for one reason (H1): at each site that holds it up.</summary>
/// <param name="Order">The order's id.</param>
/// <param name="Since">When it came to stand where it is.</param>
/// <param name="Hint">What to do about it.</param>
public sealed record StuckOrder(
    string Order, long Number, OrderStatus Status, DateTimeOffset Since, long AgeSeconds, StuckReason Reason, string? Site, string Hint);

/// <summary><c>GET /orders/stuck</c>: what <see cref="StuckWatch"/> has found, oldest first. At most a minute old.</summary>
public static class StuckOrders
{
    private sealed record Row
    {
        public Guid OrderId { get; init; }
        public long Number { get; init; }
        public OrderStatus Status { get; init; }
        public DateTimeOffset Since { get; init; }
        public StuckReason Reason { get; init; }
        public string Site { get; init; } = "";
    }

    private sealed record CountRow { public StuckReason Reason { get; init; } public long Orders { get; init; } }

    internal static void Map(IEndpointRouteBuilder api, Node node) => api.Get("/orders/stuck", async http =>
    {
        var filter = ReadFilter(http);
        if (filter.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var page = await node.Database.ReadAsync(session => ListAsync(session, filter.Value, node.Time.GetUtcNow()), http.RequestAborted);
        await Answers.WriteAsync(http, (Outcome<Page<StuckOrder>>)page);
    }).WithTags("Orders").WithSummary("Orders that stand still for too long, oldest first").Pages<StuckOrder>()
        .Reads("site", "Only where this site holds the order up.").Reads("reason", "Only for this reason.", typeof(StuckReason));

    private sealed record Filter(string? Site, StuckReason? Reason, DateTimeOffset Since, Guid Order, int After, string AfterSite, int Limit);

    private static Outcome<Filter> ReadFilter(HttpContext http)
    {
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) return bad;
        StuckReason? reason = null;
        if (Requests.Query(http, "reason") is { } text)
        {
            if (!SnakeCaseEnum<StuckReason>.TryParse(text, out var known)) return Refusal.Invalid("reason", SnakeCaseEnum<StuckReason>.Choices);
            reason = known;
        }
        var (since, order, after, afterSite) = (DateTimeOffset.UnixEpoch, Guid.Empty, 0, "");
        if (paging.Value.Cursor is { } cursor)
        {
            if (cursor.Split('|') is not [var ticks, var id, var last, var site] || !long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
                || at > DateTimeOffset.MaxValue.UtcTicks || !Guid.TryParseExact(id, "D", out order) || !int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out after))
                return Refusal.Invalid("cursor", "is not one that this list gave");
            (since, afterSite) = (new DateTimeOffset(at, TimeSpan.Zero), site);
        }
        return new Filter(Requests.Query(http, "site"), reason, since, order, after, afterSite, paging.Value.Limit);
    }

    private static async Task<Page<StuckOrder>> ListAsync(SqlSession session, Filter f, DateTimeOffset now)
    {
        var where = "(s.since > @since OR s.since = @since AND (s.order_id > @order OR s.order_id = @order AND (s.reason > @after OR s.reason = @after AND s.site > @afterSite)))";
        if (f.Site is not null) where += " AND s.site = @site";
        if (f.Reason is not null) where += " AND s.reason = @reason";
        var rows = await session.QueryAsync<Row>($"""
            SELECT s.order_id, o.number, o.status, s.since, s.reason, s.site FROM stuck_orders s JOIN orders o ON o.id = s.order_id
            WHERE {where} ORDER BY s.since, s.order_id, s.reason, s.site LIMIT @more
            """, new { since = f.Since, order = f.Order, after = f.After, afterSite = f.AfterSite, site = f.Site, reason = f.Reason, more = f.Limit + 1 });
        var items = rows.Take(f.Limit).Select(r => new StuckOrder(r.OrderId.ToString(), r.Number, r.Status, r.Since, (long)(now - r.Since).TotalSeconds, r.Reason, r.Site.Length == 0 ? null : r.Site, Hint(r.Reason))).ToList();
        var end = rows.Count > f.Limit ? rows[f.Limit - 1] : null;
        return new Page<StuckOrder>(items, end is null ? null : string.Create(CultureInfo.InvariantCulture, $"{end.Since.UtcTicks}|{end.OrderId}|{(int)end.Reason}|{end.Site}"));
    }

    private sealed record SiteRow { public string Site { get; init; } = ""; public long Orders { get; init; } }

    /// <summary>How many orders each site holds up.</summary>
    public static async Task<IReadOnlyDictionary<string, long>> PerSiteAsync(SqlSession session) => (await session.QueryAsync<SiteRow>(
        "SELECT site, COUNT(DISTINCT order_id) AS orders FROM stuck_orders WHERE site <> '' GROUP BY site")).ToDictionary(r => r.Site, r => r.Orders, StringComparer.Ordinal);

    /// <summary>How many are stuck, by reason: all reasons, also those without any.</summary>
    public static async Task<IReadOnlyDictionary<StuckReason, long>> CountAsync(SqlSession session)
    {
        var counts = Enum.GetValues<StuckReason>().ToDictionary(r => r, _ => 0L);
        foreach (var row in await session.QueryAsync<CountRow>("SELECT reason, COUNT(DISTINCT order_id) AS orders FROM stuck_orders GROUP BY reason")) counts[row.Reason] = row.Orders;
        return counts;
    }

    private static string Hint(StuckReason reason) => reason switch
    {
        StuckReason.NotPicked => "No worker has begun to pick: assign the order's picking task and start it, or reroute the order.",
        StuckReason.PickingSlow => "Ask the worker; complete the picking task with what was found, or cancel it.",
        StuckReason.PackingSlow => "Start or complete the packing task.",
        StuckReason.NotShipped => "The parcel is packed: hand it over and ship the packing task.",
        StuckReason.CancelUnanswered => "The site has not answered. See whether its consumer lags, or an event is parked.",
        StuckReason.BackorderOld => "Order the goods, or cancel the order.",
        StuckReason.TaskNotStarted => "The worker has not begun: remind them, or cancel the task and give it to somebody else.",
        StuckReason.NoProgress => "Nothing was picked for a while: ask the worker, skip what cannot be found, complete the task.",
        StuckReason.NoDimensions => "Weigh and measure the parcel and add it as a package.",
        StuckReason.Parked => "See GET /system/parked: repair the cause and resume, or discard.",
        StuckReason.ReservationExpired => "Units are kept for an order that did not come in time. See whether the site is there, and its consumer lags.",
    };
}
