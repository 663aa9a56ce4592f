using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Hub.Transfers;

/// <summary>Transfers as they are asked for: one by id or number, and in pages, by age.</summary>
internal static class TransferReads
{
    public static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.Get("/transfers", http => ListAsync(http, node)).WithTags("Transfers").WithSummary("Transfers between sites, oldest first unless the newest are asked for").Pages<TransferView>()
            .Reads("from", "Only from this site.").Reads("to", "Only to this site.").Reads("status", "Only in this state.", typeof(TransferStatus)).Reads("newest", "true for the newest first.");
        api.MapGet("/transfers/{id}", async (HttpContext http, string id) =>
        {
            var row = await IdOfAsync(node.Database, id, http.RequestAborted) is { } known ? await node.Database.ReadAsync(async s => await TransferRows.FindAsync(s, known), http.RequestAborted) : null;
            await Answers.WriteAsync<TransferView>(http, row is null ? TransferRows.NotFound(id) : row.View());
        }).WithTags("Transfers").WithSummary("One transfer by id or number").Produces<TransferView>();
    }

    public static Task<Guid?> IdOfAsync(Database database, string text, CancellationToken ct) => database.ReadAsync(session => IdOfAsync(session, text), ct);

    internal static async Task<Guid?> IdOfAsync(SqlSession session, string text) =>
        Guid.TryParse(text, out var id) ? await session.FindAsync<Guid?>("SELECT id FROM transfers WHERE id = @id", new { id })
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? await session.FindAsync<Guid?>("SELECT id FROM transfers WHERE number = @number", new { number })
        : null;

    /// <summary>How many transfers are on their way since before a time.</summary>
    public static async Task<long> CountLateAsync(SqlSession session, DateTimeOffset before) => await session.FindAsync<long>(
        "SELECT COUNT(*) FROM transfers WHERE status = @inTransit AND shipped_at < @before", new { inTransit = TransferStatus.InTransit, before });

    private static async Task ListAsync(HttpContext http, Node node)
    {
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var (limit, cursor) = paging.Value;
        var problems = new Problems();
        string? Site(string name) => Requests.Query(http, name) is { } text ? problems.Code(text, name) : null;
        var (from, to) = (Site("from"), Site("to"));
        TransferStatus? status = null;
        if (Requests.Query(http, "status") is { } word)
        {
            if (SnakeCaseEnum<TransferStatus>.TryParse(word, out var known)) status = known;
            else problems.Add("status", SnakeCaseEnum<TransferStatus>.Choices);
        }
        Guid? after = null;
        if (cursor is not null && (after = Guid.TryParse(cursor, out var at) ? at : null) is null) problems.Add("cursor", "is not one of ours");
        if (problems.Any) { await Answers.WriteAsync(http, problems.ToRefusal()); return; }
        var (order, beyond) = Requests.Query(http, "newest") == "true" ? ("DESC", "<") : ("ASC", ">");
        var where = string.Join(" AND ", new[] { after is null ? null : $"id {beyond} @after", from is null ? null : "from_site = @from", to is null ? null : "to_site = @to", status is null ? null : "status = @status" }
            .OfType<string>().DefaultIfEmpty("1 = 1"));
        var page = await node.Database.ReadAsync(async session =>
        {
            var rows = await session.QueryAsync<TransferRow>($"SELECT {TransferRows.Columns} FROM transfers WHERE {where} ORDER BY id {order} LIMIT @more", new { after, from, to, status, more = limit + 1 });
            var views = new List<TransferView>();
            foreach (var row in rows.Take(limit)) views.Add((await TransferRows.WithLinesAsync(session, row))!.View());
            return new Page<TransferView>(views, rows.Count > limit ? rows[limit - 1].Id.ToString() : null);
        }, http.RequestAborted);
        await Answers.WriteAsync<Page<TransferView>>(http, page);
    }
}
