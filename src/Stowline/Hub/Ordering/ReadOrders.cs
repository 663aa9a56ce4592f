using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>Reading orders: one by id, number or <c>channel:external_id</c>; lists by the filters operators use, newest first.</summary>
public static class ReadOrders
{
    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapGet("/orders/{id}", async (HttpContext http, string id) =>
        {
            var view = await node.Database.ReadAsync(session => FindAsync(session, id), http.RequestAborted);
            Outcome<OrderView> answer = view is null ? OrderCommands.NotFound(id) : view;
            await Answers.WriteAsync(http, answer);
        }).WithTags("Orders").WithSummary("One order by id, number or channel:external_id, with lines and customer").Produces<OrderView>();
        api.Get("/orders", async http =>
        {
            var filter = ReadFilter(http);
            if (filter.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
            var page = await node.Database.ReadAsync(session => ListAsync(session, filter.Value), http.RequestAborted);
            await Answers.WriteAsync(http, (Outcome<Page<OrderView>>)page);
        }).WithTags("Orders").WithSummary("Orders, newest first").Pages<OrderView>()
            .Reads("status", "Only in this state.", typeof(OrderStatus)).Reads("site", "Only with a part at this site.").Reads("channel", "Only of this channel.")
            .Reads("external_id", "Only with this id of the shop.").Reads("since", "Only placed at this time or later.", format: "date-time");
    }

    /// <summary>The id of an order given by id, number or <c>channel:external_id</c>; null where there is none.</summary>
    public static Task<Guid?> IdOfAsync(Node node, string text, CancellationToken ct) => node.Database.ReadAsync(session => IdOfAsync(session, text), ct);

    internal static async Task<Guid?> IdOfAsync(SqlSession session, string text)
    {
        if (Guid.TryParseExact(text, "D", out var id)) return await session.FindAsync<Guid?>("SELECT id FROM orders WHERE id = @id", new { id });
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return await session.FindAsync<Guid?>("SELECT id FROM orders WHERE number = @number", new { number });
        var colon = text.IndexOf(':');
        if (colon < 0) return null;
        return await session.FindAsync<Guid?>("SELECT order_id FROM order_keys WHERE channel = @channel AND external_id = @external",
            new { channel = text[..colon], external = text[(colon + 1)..] });
    }

    /// <summary>One order with lines and, where the person was not erased, personal details.</summary>
    public static async Task<OrderView?> FindAsync(SqlSession session, string text)
    {
        if (await IdOfAsync(session, text) is not { } id) return null;
        var row = await session.FindAsync<OrderRow>($"SELECT {OrderRow.Columns} FROM orders WHERE id = @id", new { id });
        if (row is null) return null;
        var parts = await OrderRows.PartsAsync(session, [id]);
        return row.FullView(parts[id], row.Personal is null ? null : await Personal.KeyAsync(session, row.PersonId));
    }

    private sealed record Filter(OrderStatus? Status, string? Site, string? Channel, string? ExternalId, DateTimeOffset? Since, Guid? Before, int Limit, IReadOnlyList<string> Sellers);

    private static Outcome<Filter> ReadFilter(HttpContext http)
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
        return new Filter(status, Requests.Query(http, "site"), Requests.Query(http, "channel"), Requests.Query(http, "external_id"), since.Value, before, paging.Value.Limit,
            CallLimits.Of(http).Sellers);
    }

    private static async Task<Page<OrderView>> ListAsync(SqlSession session, Filter filter)
    {
        var (page, next) = filter.Sellers.Count == 0 ? await PageAsync(session, filter)
            : await SellerOrders.PageAsync(session, filter.Sellers, filter.Before, filter.Limit, (before, count) => RowsAsync(session, filter with { Before = before }, count));
        var parts = await OrderRows.PartsAsync(session, [.. page.Select(r => r.Id)]);
        return new Page<OrderView>([.. page.Select(r => r.View(parts[r.Id]))], next?.ToString());
    }

    private static async Task<(IReadOnlyList<OrderRow> Orders, Guid? Next)> PageAsync(SqlSession session, Filter filter)
    {
        var rows = await RowsAsync(session, filter, filter.Limit + 1);
        return rows.Count > filter.Limit ? ([.. rows.Take(filter.Limit)], rows[filter.Limit - 1].Id) : (rows, null);
    }

    private static async Task<IReadOnlyList<OrderRow>> RowsAsync(SqlSession session, Filter filter, int most)
    {
        // Only the conditions that are asked for are in the text, so that each combination gets the plan of its own index.
        var where = new List<string>();
        if (filter.Status is not null) where.Add("o.status = @status");
        if (filter.Channel is not null) where.Add("o.channel = @channel");
        if (filter.ExternalId is not null) where.Add("o.id IN (SELECT k.order_id FROM order_keys k WHERE k.external_id = @externalId AND k.channel = o.channel)");
        if (filter.Since is not null) where.Add("o.id >= @sinceId AND o.placed_at >= @since");
        if (filter.Before is not null) where.Add("o.id < @before");
        if (filter.Site is not null) where.Add("EXISTS (SELECT 1 FROM order_parts p WHERE p.order_id = o.id AND p.site = @site)");
        var condition = where.Count == 0 ? "" : "WHERE " + string.Join(" AND ", where);
        return await session.QueryAsync<OrderRow>($"SELECT {OrderRow.Columns} FROM orders o {condition} ORDER BY o.id DESC LIMIT @most", new
        {
            status = filter.Status, channel = filter.Channel, externalId = filter.ExternalId, since = filter.Since,
            sinceId = filter.Since is { } t ? FirstIdOf(t) : (Guid?)null, before = filter.Before, site = filter.Site, most,
        });
    }

    /// <summary>The smallest UUIDv7 of a time, a minute earlier for clocks that were behind: lets <c>since</c> use the primary key.</summary>
    internal static Guid FirstIdOf(DateTimeOffset time)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(bytes, Math.Max(0, time.AddMinutes(-1).ToUnixTimeMilliseconds()) << 16);
        return new Guid(bytes, bigEndian: true);
    }
}
