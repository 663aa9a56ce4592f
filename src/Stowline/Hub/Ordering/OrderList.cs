using System.Buffers.Binary;
using Microsoft.AspNetCore.Http;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>What a list of orders is asked for. <see cref="Before"/> is the cursor: the id of the last order seen.</summary>
internal sealed record OrderFilter(OrderStatus? Status, string? Site, string? Channel, string? ExternalId, DateTimeOffset? Since, Guid? Before, int Limit)
{
    public static Outcome<OrderFilter> Read(HttpContext http)
    {
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) return bad;
        var since = Requests.QueryTime(http, "since");
        if (since.Refusal is { } when) return when;
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
        return new OrderFilter(status, Requests.Query(http, "site"), Requests.Query(http, "channel"), Requests.Query(http, "external_id"), since.Value, before, paging.Value.Limit);
    }
}

/// <summary>
/// A page of orders, newest first. Status, channel and site have an index each, in order of the ids. Where two or three of them are combined,
/// the one with the fewest orders leads: a few thousand entries of each index tell which that is, and only so many orders are looked
/// at per page, however many there are. An index for each combination would have to be written with every order.
/// </summary>
internal static class OrderList
{
    /// <summary>How many orders of the leading index are looked at in one statement.</summary>
    internal const int Window = 1_000;

    /// <summary>After so many windows a page is answered as it is, with the cursor to go on from.</summary>
    internal const int MostWindows = 8;

    /// <summary>One of the indexed conditions: where its ids stand, and how it is asked of an order that another index found.</summary>
    private sealed record Index(string Table, string Id, string Condition, string AsFilter);

    private static readonly Index ByStatus = new("orders", "id", "status = @status", "o.status = @status");
    private static readonly Index ByChannel = new("orders", "id", "channel = @channel", "o.channel = @channel");
    private static readonly Index BySite = new("order_parts", "order_id", "site = @site",
        "EXISTS (SELECT 1 FROM order_parts p WHERE p.order_id = o.id AND p.site = @site)");

    /// <summary>
    /// The orders under an external id, whatever the channel. The key begins with the channel, so the channels there are, which are few, are
    /// found by skipping from one to the next.
    /// </summary>
    private const string UnderExternalId = """
        o.id IN (WITH RECURSIVE channels (channel) AS (
            SELECT MIN(channel) FROM order_keys
            UNION ALL SELECT (SELECT MIN(k.channel) FROM order_keys k WHERE k.channel > c.channel) FROM channels c WHERE c.channel IS NOT NULL)
        SELECT k.order_id FROM channels c JOIN order_keys k ON k.channel = c.channel AND k.external_id = @externalId)
        """;

    /// <summary>The order's columns, which in a join must say whose they are.</summary>
    private static readonly string Columns = string.Join(", ", OrderRow.Columns.Split(',', StringSplitOptions.TrimEntries).Select(c => "o." + c));

    public static async Task<Page<OrderView>> PageAsync(SqlSession session, OrderFilter filter)
    {
        var (rows, next) = await FindAsync(session, filter);
        var parts = await OrderRows.PartsAsync(session, [.. rows.Select(r => r.Id)]);
        return new Page<OrderView>([.. rows.Select(r => r.View(parts[r.Id]))], next?.ToString());
    }

    private static async Task<(IReadOnlyList<OrderRow> Rows, Guid? Next)> FindAsync(SqlSession session, OrderFilter filter)
    {
        var asked = Asked(filter).ToList();
        if (filter.ExternalId is not null || asked.Count == 0 || asked is [{ Table: "orders" }])
            return Cut(await session.QueryAsync<OrderRow>(DirectSql(filter, asked), Arguments(filter, filter.Before, null)), filter.Limit, null);
        var size = asked.Count == 1 ? filter.Limit + 1 : Window;
        var found = new List<OrderRow>();
        var before = filter.Before;
        for (var window = 0; window < MostWindows; window++)
        {
            var (lead, floor) = await LeadAsync(session, filter, asked, before, size);
            found.AddRange(await session.QueryAsync<OrderRow>(WindowSql(filter, lead, asked, before, floor, size), Arguments(filter, before, floor)));
            if (found.Count > filter.Limit || floor is null) return Cut(found, filter.Limit, null);
            before = floor;
        }
        return Cut(found, filter.Limit, before);
    }

    private static IEnumerable<Index> Asked(OrderFilter filter)
    {
        if (filter.Site is not null) yield return BySite;
        if (filter.Channel is not null) yield return ByChannel;
        if (filter.Status is not null) yield return ByStatus;
    }

    private static (IReadOnlyList<OrderRow>, Guid?) Cut(IReadOnlyList<OrderRow> rows, int limit, Guid? goOn) =>
        rows.Count > limit ? ([.. rows.Take(limit)], rows[limit - 1].Id) : (rows, goOn);

    /// <summary>The condition whose next window of entries reaches furthest back: it has the fewest. Without a floor it ends within the window.</summary>
    private static async Task<(Index Lead, Guid? Floor)> LeadAsync(SqlSession session, OrderFilter filter, List<Index> asked, Guid? before, int size)
    {
        var (lead, lowest) = (asked[0], Guid.AllBitsSet);
        foreach (var index in asked)
        {
            var floor = await session.FindAsync<Guid?>(FloorSql(index, filter, before, size), Arguments(filter, before, null));
            if (floor is null) return (index, null);
            // As text, because that is how both databases compare ids.
            if (string.CompareOrdinal(floor.Value.ToString(), lowest.ToString()) < 0) (lead, lowest) = (index, floor.Value);
        }
        return (lead, lowest);
    }

    /// <summary>What fits among the entries of the leading index between two ids.</summary>
    private static string WindowSql(OrderFilter filter, Index lead, List<Index> asked, Guid? before, Guid? floor, int size)
    {
        List<string> conditions = ["o.id = c.id", .. asked.Where(i => i != lead).Select(i => i.AsFilter)];
        if (filter.Since is not null) conditions.Add("o.placed_at >= @since");
        // The inner LIMIT keeps the leading index in the lead, whatever a planner guesses, and CROSS JOIN says so to SQLite once more.
        return $"""
            SELECT {Columns} FROM
                (SELECT DISTINCT {lead.Id} AS id FROM {lead.Table} WHERE {Range(lead, filter, before, floor)} ORDER BY {lead.Id} DESC LIMIT {size}) c CROSS JOIN orders o
            WHERE {string.Join(" AND ", conditions)} ORDER BY o.id DESC LIMIT @more
            """;
    }

    /// <summary>One index or the key itself gives the orders in their order, and all that it gives fits.</summary>
    private static string DirectSql(OrderFilter filter, List<Index> asked)
    {
        // Only the conditions that are asked for are in the text, so that each combination gets the plan of its own index.
        List<string> conditions = [.. asked.Select(i => i.AsFilter)];
        if (filter.Before is not null) conditions.Add("o.id < @before");
        if (filter.Since is not null) conditions.Add("o.id >= @sinceId AND o.placed_at >= @since");
        if (filter.ExternalId is not null) conditions.Add(UnderExternalId);
        var where = conditions.Count == 0 ? "" : "WHERE " + string.Join(" AND ", conditions);
        return $"SELECT {Columns} FROM orders o {where} ORDER BY o.id DESC LIMIT @more";
    }

    /// <summary>Every statement that a page may run, with its arguments: a test reads their plans.</summary>
    internal static IEnumerable<(string Sql, object Arguments)> Statements(OrderFilter filter)
    {
        var asked = Asked(filter).ToList();
        if (filter.ExternalId is not null || asked.Count == 0 || asked is [{ Table: "orders" }]) yield return (DirectSql(filter, asked), Arguments(filter, filter.Before, null));
        else
            foreach (var lead in asked)
            {
                yield return (FloorSql(lead, filter, filter.Before, Window), Arguments(filter, filter.Before, null));
                yield return (WindowSql(filter, lead, asked, filter.Before, Guid.Empty, Window), Arguments(filter, filter.Before, Guid.Empty));
            }
    }

    private static string FloorSql(Index index, OrderFilter filter, Guid? before, int size) =>
        $"SELECT {index.Id} FROM {index.Table} WHERE {Range(index, filter, before, null)} ORDER BY {index.Id} DESC LIMIT 1 OFFSET {size - 1}";

    private static string Range(Index index, OrderFilter filter, Guid? before, Guid? floor) => index.Condition
        + (before is null ? "" : $" AND {index.Id} < @before") + (floor is null ? "" : $" AND {index.Id} >= @floor") + (filter.Since is null ? "" : $" AND {index.Id} >= @sinceId");

    private static object Arguments(OrderFilter filter, Guid? before, Guid? floor) => new
    {
        status = filter.Status, channel = filter.Channel, externalId = filter.ExternalId, since = filter.Since, site = filter.Site, before, floor,
        sinceId = filter.Since is { } t ? FirstIdOf(t) : (Guid?)null, more = filter.Limit + 1,
    };

    /// <summary>The smallest UUIDv7 of a time, a minute earlier for clocks that were behind: lets <c>since</c> use the primary key.</summary>
    internal static Guid FirstIdOf(DateTimeOffset time)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        BinaryPrimitives.WriteInt64BigEndian(bytes, Math.Max(0, time.AddMinutes(-1).ToUnixTimeMilliseconds()) << 16);
        return new Guid(bytes, bigEndian: true);
    }
}
