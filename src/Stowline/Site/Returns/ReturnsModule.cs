using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Log;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Site.Returns;

/// <summary>A return as the list shows it.</summary>
public sealed record ReturnView(Guid Id, long Number, string Site, Guid? OrderId, string Reference, string Reason, DateTimeOffset At, IReadOnlyList<ReturnLine> Lines);

/// <summary>Returns at a site (F13).</summary>
internal sealed class ReturnsModule : Module
{
    public ReturnsModule() => HttpJson.Add(ReturnsJson.Default);

    public override string Name => "returns";

    public override IReadOnlyList<SiteTable> SiteTables => [new("returns")];

    public override async ValueTask RecoverAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events.Where(e => e.Type == ReturnReceived.Type)) await ReceiveReturn.RecoverAsync(site, e, tx);
    }

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapPost("/sites/{code}/returns", (HttpContext http, string code) => ReceiveReturn.PostAsync(http, node, code))
            .WithTags("Returns").WithSummary("Take goods back from a customer").Takes<ReceiveReturnBody>().Produces<ReturnReceipt>(StatusCodes.Status201Created);
        api.MapGet("/sites/{code}/returns", (HttpContext http, string code) => ListAsync(http, node, code))
            .WithTags("Returns").WithSummary("Returns at a site, oldest first").Pages<ReturnView>();
    }

    /// <summary>How many returns a site has taken in since a time.</summary>
    internal static async Task<long> CountAsync(SqlSession session, string site, DateTimeOffset since) =>
        await session.FindAsync<long>("SELECT COUNT(*) FROM returns WHERE site = @site AND id >= @first", new { site, first = IdSource.FirstOf(since) });

    private sealed record Row
    {
        public Guid Id { get; init; }
        public long Number { get; init; }
        public string Site { get; init; } = "";
        public Guid? OrderId { get; init; }
        public string Reference { get; init; } = "";
        public string Reason { get; init; } = "";
        public string Lines { get; init; } = "[]";
        public DateTimeOffset At { get; init; }

        public ReturnView Shown => new(Id, Number, Site, OrderId, Reference, Reason, At, JsonSerializer.Deserialize(Lines, ReturnsJson.Default.ListReturnLine) ?? []);
    }

    private static async Task ListAsync(HttpContext http, Node node, string code)
    {
        if (!CodeRule.TryNormalize(code, out var site) || !await node.KnowsSiteAsync(site, http.RequestAborted))
        {
            await Answers.WriteAsync(http, Refusal.NotFound("site_not_found", $"there is no site {code}"));
            return;
        }
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var (limit, cursor) = paging.Value;
        Guid after = default;
        if (cursor is not null && !Guid.TryParse(cursor, out after)) { await Answers.WriteAsync(http, Refusal.Invalid("cursor", "is not one of ours")); return; }
        var rows = await node.Database.ReadAsync(async session => await session.QueryAsync<Row>("""
            SELECT id, number, site, order_id, reference, reason, lines, at FROM returns WHERE site = @site AND id > @after ORDER BY id LIMIT @take
            """, new { site, after, take = limit + 1 }), http.RequestAborted);
        ReturnView[] shown = [.. rows.Take(limit).Select(r => r.Shown)];
        await Answers.WriteAsync<Page<ReturnView>>(http, new Page<ReturnView>(shown, rows.Count > limit ? shown[^1].Id.ToString() : null));
    }
}

/// <summary>Serializers of what the module answers and stores, source-generated.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ReceiveReturnBody))]
[JsonSerializable(typeof(ReturnReceipt))]
[JsonSerializable(typeof(Page<ReturnView>))]
[JsonSerializable(typeof(List<ReturnLine>))]
internal sealed partial class ReturnsJson : JsonSerializerContext;
