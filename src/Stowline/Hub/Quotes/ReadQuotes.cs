using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Hub.Quotes;

/// <summary>Reading quotes: one by id or number, at once or when it has ended; lists, newest first.</summary>
internal static class ReadQuotes
{
    private const int LongestWait = 60;

    public static Refusal NotFound(string text) => Refusal.NotFound("quote_not_found", $"there is no quote {text}");

    public static void Map(IEndpointRouteBuilder api, Node node, QuoteWaiters waiters)
    {
        api.MapGet("/quotes/{quote}", async (HttpContext http, string quote) => await Answers.WriteAsync(http, await FindAsync(http, node, waiters, quote)))
            .WithTags("Quotes").WithSummary("One quote by id or number; with wait, the answer comes when it has ended").Produces<QuoteView>()
            .WithMetadata(new QueryParameter("wait", "How many seconds to wait for the end of a calculation.", Number: (0, LongestWait, 0)));
        api.Get("/quotes", async http =>
        {
            var filter = ReadFilter(http);
            if (filter.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
            await Answers.WriteAsync<Page<QuoteView>>(http, await node.Database.ReadAsync(session => ListAsync(session, filter.Value), http.RequestAborted));
        }).WithTags("Quotes").WithSummary("Quotes, newest first").Pages<QuoteView>()
            .Reads("status", "Only in this state.", typeof(QuoteStatus)).Reads("client", "Only of this client.").Reads("client_class", "Only of this class of clients.");
    }

    /// <summary>The id of a quote given by id or number; null where there is none.</summary>
    public static Task<Guid?> IdOfAsync(Node node, string text, CancellationToken ct) => node.Database.ReadAsync(async session =>
        Guid.TryParseExact(text, "D", out var id) ? await session.FindAsync<Guid?>("SELECT id FROM quotes WHERE id = @id", new { id })
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? await session.FindAsync<Guid?>("SELECT id FROM quotes WHERE number = @number", new { number })
        : null, ct);

    private static async Task<Outcome<QuoteView>> FindAsync(HttpContext http, Node node, QuoteWaiters waiters, string text)
    {
        var seconds = 0;
        if (Requests.Query(http, "wait") is { } wait && (!int.TryParse(wait, NumberStyles.None, CultureInfo.InvariantCulture, out seconds) || seconds > LongestWait))
            return Refusal.Invalid("wait", $"must be 0–{LongestWait} seconds");
        if (await IdOfAsync(node, text, http.RequestAborted) is not { } id) return NotFound(text);
        return await waiters.ReadAsync(id, TimeSpan.FromSeconds(seconds), http.RequestAborted) is { } row ? row.View : NotFound(text);
    }

    private sealed record Filter(QuoteStatus? Status, string? Client, string? ClientClass, Guid? Before, int Limit);

    private static Outcome<Filter> ReadFilter(HttpContext http)
    {
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) return bad;
        QuoteStatus? status = null;
        if (Requests.Query(http, "status") is { } text)
        {
            if (!SnakeCaseEnum<QuoteStatus>.TryParse(text, out var known)) return Refusal.Invalid("status", SnakeCaseEnum<QuoteStatus>.Choices);
            status = known;
        }
        Guid? before = null;
        if (paging.Value.Cursor is { } cursor)
        {
            if (!Guid.TryParseExact(cursor, "D", out var at)) return Refusal.Invalid("cursor", "is not one that a list has given");
            before = at;
        }
        return new Filter(status, Requests.Query(http, "client"), Requests.Query(http, "client_class"), before, paging.Value.Limit);
    }

    private static async Task<Page<QuoteView>> ListAsync(SqlSession session, Filter filter)
    {
        var where = new List<string>();
        if (filter.Status is not null) where.Add("status = @status");
        if (filter.Client is not null) where.Add("client = @client");
        if (filter.ClientClass is not null) where.Add("client_class = @clientClass");
        if (filter.Before is not null) where.Add("id < @before");
        var condition = where.Count == 0 ? "" : "WHERE " + string.Join(" AND ", where);
        var rows = await session.QueryAsync<QuoteRow>($"SELECT {QuoteRow.Columns} FROM quotes {condition} ORDER BY id DESC LIMIT @more",
            new { status = filter.Status, client = filter.Client, clientClass = filter.ClientClass, before = filter.Before, more = filter.Limit + 1 });
        var page = rows.Take(filter.Limit).ToList();
        return new Page<QuoteView>([.. page.Select(r => r.View)], rows.Count > filter.Limit ? page[^1].Id.ToString() : null);
    }
}
