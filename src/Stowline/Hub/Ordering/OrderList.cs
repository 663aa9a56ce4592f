using System.Globalization;
using Microsoft.AspNetCore.Http;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>What a list of orders is asked for. <see cref="Before"/> is the cursor: the id of the last order seen.</summary>
internal sealed record OrderFilter(OrderStatus? Status, string? Site, string? Channel, string? ExternalId, DateTimeOffset? Since, Guid? Before, int Limit)
{
    /// <summary>Only orders all of whose lines are of these sellers' products; empty for all orders.</summary>
    public IReadOnlyList<string> Sellers { get; init; } = [];

    /// <summary>Only orders placed before this time.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Only orders whose external id begins with this, or whose number it is.</summary>
    public string? Text { get; init; }

    /// <summary>Only orders that <see cref="StuckWatch"/> found standing still.</summary>
    public bool Stuck { get; init; }

    /// <summary>Of those, only where people are late: what waits for goods, for a site's answer or for an operator is not theirs.</summary>
    public bool Late { get; init; }

    public static Outcome<OrderFilter> Read(HttpContext http)
    {
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) return bad;
        var since = Requests.QueryTime(http, "since");
        if (since.Refusal is { } when) return when;
        var until = Requests.QueryTime(http, "until");
        if (until.Refusal is { } end) return end;
        foreach (var flag in new[] { "stuck", "late" })
            if (Requests.Query(http, flag) is not (null or "true")) return Refusal.Invalid(flag, "is true, or left out");
        if (Requests.Query(http, "text")?.Length > 128) return Refusal.Invalid("text", "has at most 128 characters");
        OrderStatus? status = null;
        if (Requests.Query(http, "status") is { } text)
        {
            if (!SnakeCaseEnum<OrderStatus>.TryParse(text, out var known)) return Refusal.Invalid("status", SnakeCaseEnum<OrderStatus>.Choices);
            status = known;
        }
        Guid? before = null;
        if (paging.Value.Cursor is { } cursor)
        {
            if (!Guid.TryParseExact(cursor, "D", out var at)) return Refusal.Invalid("cursor", "is not one that a list has given");
            before = at;
        }
        return new OrderFilter(status, Requests.Query(http, "site"), Requests.Query(http, "channel"), Requests.Query(http, "external_id"), since.Value, before, paging.Value.Limit)
        {
            Sellers = CallLimits.Of(http).Sellers, Until = until.Value, Text = Requests.Query(http, "text")?.Trim(), Stuck = Requests.Query(http, "stuck") is not null,
            Late = Requests.Query(http, "late") is not null,
        };
    }
}

/// <summary>
/// A page of orders, newest first. Status, channel and site have an index each, in order of the ids. Where two or three of them are combined,
/// the one with the fewest orders leads: the next thousand entries of each index tell which that is, and only so many orders are looked
/// at per page, however many there are. An index for each combination would have to be written with every order.
/// </summary>
internal static class OrderList
{
    /// <summary>How many entries of the leading index are taken at once.</summary>
    internal const int Window = 1_000;

    /// <summary>After so many windows a page is answered as it is, with the cursor to go on from.</summary>
    internal const int MostWindows = 3;

    /// <summary>So many orders are looked up together: a whole window, where the first few fill the page, would be for nothing.</summary>
    private const int Together = 200;

    /// <summary>One of the indexed conditions: where its ids stand, and how it is asked of an order that another index found.</summary>
    private sealed record Index(string Table, string Id, string Condition, string OfKey);

    private static readonly Index ByStatus = new("orders", "id", "status = @status", "o.status = k.status");
    private static readonly Index ByChannel = new("orders", "id", "channel = @channel", "o.channel = k.channel");
    private static readonly Index BySite = new("order_parts", "order_id", "site = @site", "EXISTS (SELECT 1 FROM order_parts p WHERE p.order_id = o.id AND p.site = k.site)");

    private static readonly Index ByStuck = new("stuck_orders", "order_id", "reason > 0", "EXISTS (SELECT 1 FROM stuck_orders s WHERE s.order_id = o.id)");
    private static readonly Index ByLate = new("stuck_orders", "order_id", $"reason IN ({LateReasons})", $"EXISTS (SELECT 1 FROM stuck_orders s WHERE s.order_id = o.id AND s.reason IN ({LateReasons}))");

    /// <summary>Of the stuck orders, those on which somebody should have worked by now, as the numbers that are stored.</summary>
    private static string LateReasons => string.Join(", ", new[]
    {
        StuckReason.NotPicked, StuckReason.PickingSlow, StuckReason.PackingSlow, StuckReason.NotShipped, StuckReason.TaskNotStarted, StuckReason.NoProgress, StuckReason.NoDimensions,
    }.Select(r => ((int)r).ToString(CultureInfo.InvariantCulture)));

    /// <summary>
    /// The orders under an external id, whatever the channel. The key begins with the channel, so the channels there are, which are few, are
    /// found by skipping from one to the next.
    /// </summary>
    private const string UnderExternalId = """
        WITH RECURSIVE channels (channel) AS (
            SELECT MIN(channel) FROM order_keys
            UNION ALL SELECT (SELECT MIN(k.channel) FROM order_keys k WHERE k.channel > c.channel) FROM channels c WHERE c.channel IS NOT NULL)
        SELECT k.order_id FROM channels c JOIN order_keys k ON k.channel = c.channel AND k.external_id = @externalId
        """;

    /// <summary>As above for the beginning of an external id; of what begins with hardly anything, only so many are looked at.</summary>
    private static readonly string UnderText = $"""
        WITH RECURSIVE channels (channel) AS (
            SELECT MIN(channel) FROM order_keys
            UNION ALL SELECT (SELECT MIN(k.channel) FROM order_keys k WHERE k.channel > c.channel) FROM channels c WHERE c.channel IS NOT NULL)
        SELECT k.order_id FROM channels c JOIN order_keys k ON k.channel = c.channel AND k.external_id >= @text AND k.external_id < @textEnd LIMIT {Window * MostWindows}
        """;

    public static async Task<Page<OrderView>> PageAsync(SqlSession session, OrderFilter filter)
    {
        var (ids, next) = filter.Sellers.Count == 0 ? await FindAsync(session, filter) : await SellerOrders.FindAsync(session, filter, some => FindAsync(session, some));
        var rows = await RowsAsync(session, ids);
        var parts = await OrderRows.PartsAsync(session, [.. rows.Select(r => r.Id)]);
        return new Page<OrderView>([.. rows.Select(r => r.View(parts[r.Id]))], next?.ToString());
    }

    private static async Task<(IReadOnlyList<Guid> Ids, Guid? Next)> FindAsync(SqlSession session, OrderFilter filter)
    {
        var asked = Asked(filter).ToList();
        if (filter.ExternalId is not null || filter.Text is not null)
        {
            var named = await NamedAsync(session, filter);
            var ids = named.OrderByDescending(id => id.ToString(), StringComparer.Ordinal).Where(id => filter.Before is not { } b || Compare(id, b) < 0).ToList();
            return Cut(await FittingAsync(session, filter, ids, asked), filter.Limit, null);
        }
        // One condition needs no second look, unless for the time: an id may be a little older than its order.
        var size = asked.Count < 2 ? filter.Limit + 1 : Window;
        var found = new List<Guid>();
        var before = filter.Before;
        for (var window = 0; window < MostWindows; window++)
        {
            var (lead, ids) = await LeadAsync(session, filter, asked, before, size);
            found.AddRange(await FittingAsync(session, filter, ids, asked.Where(i => i != lead), filter.Limit + 1 - found.Count));
            if (found.Count > filter.Limit || ids.Count < size) return Cut(found, filter.Limit, null);
            before = ids[^1];
        }
        return Cut(found, filter.Limit, before);
    }

    private static async Task<IEnumerable<Guid>> NamedAsync(SqlSession session, OrderFilter filter)
    {
        IReadOnlyList<Guid>? exact = filter.ExternalId is null ? null : await session.QueryAsync<Guid>(UnderExternalId, new { externalId = filter.ExternalId });
        if (filter.Text is not { } text) return exact!;
        // The last character there is: what begins with the text sorts before it.
        var found = new HashSet<Guid>(await session.QueryAsync<Guid>(UnderText, new { text, textEnd = text + '\uffff' }));
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            found.UnionWith(await session.QueryAsync<Guid>("SELECT id FROM orders WHERE number = @number", new { number }));
        return exact?.Where(found.Contains) ?? found;
    }

    private static IEnumerable<Index> Asked(OrderFilter filter)
    {
        if (filter.Stuck) yield return ByStuck;
        if (filter.Late) yield return ByLate;
        if (filter.Site is not null) yield return BySite;
        if (filter.Channel is not null) yield return ByChannel;
        if (filter.Status is not null) yield return ByStatus;
    }

    private static (IReadOnlyList<Guid>, Guid?) Cut(IReadOnlyList<Guid> ids, int limit, Guid? goOn) =>
        ids.Count > limit ? ([.. ids.Take(limit)], ids[limit - 1]) : (ids, goOn);

    /// <summary>As text, because that is how both databases compare ids.</summary>
    private static int Compare(Guid a, Guid b) => string.CompareOrdinal(a.ToString(), b.ToString());

    /// <summary>The condition whose next entries reach furthest back, with them: it has the fewest orders. Without any condition it is the key itself.</summary>
    private static async Task<(Index? Lead, IReadOnlyList<Guid> Ids)> LeadAsync(SqlSession session, OrderFilter filter, List<Index> asked, Guid? before, int size)
    {
        (Index? Lead, IReadOnlyList<Guid> Ids)? best = null;
        foreach (var index in asked.Cast<Index?>().DefaultIfEmpty())
        {
            var ids = await session.QueryAsync<Guid>(IdsSql(index, filter, before, size), Arguments(filter, before));
            if (ids.Count < size) return (index, ids);
            if (best is null || Compare(ids[^1], best.Value.Ids[^1]) < 0) best = (index, ids);
        }
        return best!.Value;
    }

    /// <summary>The next ids of one condition, newest first. Only what is asked for is in the text, so that each gets the plan of its own index.</summary>
    private static string IdsSql(Index? index, OrderFilter filter, Guid? before, int size)
    {
        var id = index?.Id ?? "id";
        List<string> conditions = [.. index is null ? Array.Empty<string>() : [index.Condition]];
        if (before is not null) conditions.Add($"{id} < @before");
        if (filter.Since is not null) conditions.Add($"{id} >= @sinceId");
        if (filter.Until is not null) conditions.Add($"{id} < @untilId");
        return $"SELECT DISTINCT {id} FROM {index?.Table ?? "orders"} {(conditions.Count == 0 ? "" : "WHERE " + string.Join(" AND ", conditions))} ORDER BY {id} DESC LIMIT {size}";
    }

    /// <summary>Those of the ids that fit the other conditions too, in their order, until there are enough.</summary>
    private static async Task<IReadOnlyList<Guid>> FittingAsync(SqlSession session, OrderFilter filter, IReadOnlyList<Guid> ids, IEnumerable<Index> more, int enough = int.MaxValue)
    {
        var others = more.ToList();
        List<string> conditions = ["o.id = k.id", .. others.Select(i => i.OfKey)];
        if (filter.Since is not null) conditions.Add("o.placed_at >= k.since");
        if (filter.Until is not null) conditions.Add("o.placed_at < k.until");
        if (conditions.Count == 1 && filter is { ExternalId: null, Text: null }) return ids;
        var found = new List<Guid>();
        foreach (var some in ids.Chunk(Together))
        {
            var fit = new HashSet<Guid>();
            await session.SelectAsync($"SELECT o.id FROM orders o WHERE {string.Join(" AND ", conditions)}", some.Length, Keys(filter, others, some), row => fit.Add(row.GetGuid(0)));
            found.AddRange(some.Where(fit.Contains));
            if (found.Count >= enough) break;
        }
        return found;
    }

    /// <summary>The values that the conditions name, and no others: SQLite binds only what a statement has.</summary>
    private static Column[] Keys(OrderFilter filter, List<Index> others, Guid[] ids)
    {
        var keys = new List<Column> { Column.Of("id", ids) };
        if (others.Contains(ByStatus)) keys.Add(Column.Same("status", ids.Length, (int)filter.Status!));
        if (others.Contains(ByChannel)) keys.Add(Column.Same("channel", ids.Length, filter.Channel!));
        if (others.Contains(BySite)) keys.Add(Column.Same("site", ids.Length, filter.Site!));
        if (filter.Since is { } since) keys.Add(Column.Same("since", ids.Length, since));
        if (filter.Until is { } until) keys.Add(Column.Same("until", ids.Length, until));
        return [.. keys];
    }

    /// <summary>What a list shows of the orders, in the order of the ids.</summary>
    private static async Task<IReadOnlyList<OrderRow>> RowsAsync(SqlSession session, IReadOnlyList<Guid> ids)
    {
        var rows = new Dictionary<Guid, OrderRow>(ids.Count);
        await session.SelectAsync("""
            SELECT id, number, channel, external_id, status, fulfillment_type, priority, currency, total_e4, pickup_site, note, on_hold, placed_at FROM orders WHERE id = k.id
            """, ids.Count, [Column.From("id", ids, i => i)], r => rows[r.GetGuid(0)] = new OrderRow
            {
                Id = r.GetGuid(0), Number = r.GetInt64(1), Channel = r.GetString(2), ExternalId = r.GetString(3), Status = (OrderStatus)r.GetInt32(4),
                FulfillmentType = (FulfillmentType)r.GetInt32(5), Priority = (Priority)r.GetInt32(6), Currency = r.GetString(7), TotalE4 = r.GetInt64(8),
                PickupSite = r.GetStringOrNull(9), Note = r.GetStringOrNull(10), OnHold = r.GetInt64(11) != 0, PlacedAt = r.GetTime(12),
            });
        return [.. ids.Where(rows.ContainsKey).Select(id => rows[id])];
    }

    /// <summary>Every statement by which a page finds its candidates, with its arguments: a test reads their plans.</summary>
    internal static IEnumerable<(string Sql, object Arguments)> Statements(OrderFilter filter) => filter.Text is { } text ? [(UnderText, new { text, textEnd = text + '\uffff' })]
        : filter.ExternalId is not null
        ? [(UnderExternalId, new { externalId = filter.ExternalId })]
        : Asked(filter).Cast<Index?>().DefaultIfEmpty().Select(i => (IdsSql(i, filter, filter.Before, Window), Arguments(filter, filter.Before)));

    private static object Arguments(OrderFilter filter, Guid? before) => new
    {
        status = filter.Status, channel = filter.Channel, site = filter.Site, before, sinceId = filter.Since is { } t ? FirstIdOf(t) : (Guid?)null,
        untilId = filter.Until is { } u ? EndOf(u) : (Guid?)null,
    };

    /// <summary>The smallest UUIDv7 of a time, a minute earlier for clocks that were behind: lets <c>since</c> use the primary key.</summary>
    internal static Guid FirstIdOf(DateTimeOffset time) => IdSource.FirstOf(time - DateTimeOffset.MinValue < OtherClocks ? DateTimeOffset.MinValue : time - OtherClocks);

    /// <summary>The same for <c>until</c>: a minute later.</summary>
    internal static Guid EndOf(DateTimeOffset time) => IdSource.FirstOf(DateTimeOffset.MaxValue - time < OtherClocks ? DateTimeOffset.MaxValue : time + OtherClocks);

    private static readonly TimeSpan OtherClocks = TimeSpan.FromMinutes(1);
}
