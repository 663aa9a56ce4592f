using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
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
            var filter = OrderFilter.Read(http);
            if (filter.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
            var page = await node.Database.ReadAsync(session => OrderList.PageAsync(session, filter.Value), http.RequestAborted);
            await Answers.WriteAsync(http, (Outcome<Page<OrderView>>)page);
        }).WithTags("Orders").WithSummary("Orders, newest first").Pages<OrderView>()
            .Reads("status", "Only in this state.", typeof(OrderStatus)).Reads("site", "Only with a part at this site.").Reads("channel", "Only of this channel.")
            .Reads("external_id", "Only with this id of the shop.").Reads("since", "Only placed at this time or later.", format: "date-time")
            .Reads("until", "Only placed before this time.", format: "date-time").Reads("text", "Only with an id of the shop that begins so, or with this number.")
            .Reads("stuck", "true for those that stand still for too long, as GET /orders/stuck finds them.").Reads("late", "true for those of them on which somebody should have worked.");
    }

    /// <summary>The id of an order given by id, number or <c>channel:external_id</c>; null where there is none.</summary>
    public static Task<Guid?> IdOfAsync(Node node, string text, CancellationToken ct) => node.Database.ReadAsync(session => IdOfAsync(session, text), ct);

    internal static async Task<Guid?> IdOfAsync(SqlSession session, string text)
    {
        if (Guid.TryParseExact(text, "D", out var id)) return await session.FindAsync<Guid?>("SELECT id FROM orders WHERE id = @id UNION ALL SELECT id FROM archived_orders WHERE id = @id", new { id });
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return await session.FindAsync<Guid?>("SELECT id FROM orders WHERE number = @number UNION ALL SELECT id FROM archived_orders WHERE number = @number",
                new { number });
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
        var parts = row is null ? null : (await OrderRows.PartsAsync(session, [id]))[id];
        if (row is null)
        {
            if (await ArchivedOrders.FindAsync(session, id) is not { } archived) return null;
            (row, parts) = (archived.Order, archived.Parts);
        }
        return row.FullView(parts!, row.Personal is null ? null : await Personal.KeyAsync(session, row.PersonId));
    }
}
