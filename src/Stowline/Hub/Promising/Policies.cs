using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Promising;

/// <summary>How much a site keeps: units never granted, and a share of the rest for its own counter. What is not given is 0.</summary>
public sealed record PolicyBody(long? SafetyStock, long? LocalSharePercent);

public sealed record PolicyView(string Site, string Sku, int SafetyStock, int LocalSharePercent);

/// <summary>
/// <c>PUT /sites/{code}/policies/{sku or *}</c>. The hub decides, the site carries it out: lowering grants more, raising asks the hub for
/// units back, and only those that are free return. Refusals: <c>site_not_found</c>, <c>product_not_found</c>.
/// </summary>
public static class Policies
{
    private sealed record Row
    {
        public string Site { get; init; } = "";
        public string Sku { get; init; } = "";
        public int SafetyStock { get; init; }
        public int LocalSharePercent { get; init; }
    }

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        // Two hops, so that the answer comes when the site has granted anew and the hub knows.
        api.MapPut("/sites/{code}/policies/{sku}", (HttpContext http, string code, string sku) =>
                Commands.RunAsync<PolicyBody, PolicyView>(http, node.Lanes, Lane.Hub, (body, tx) => DecideAsync(code, sku, body, tx), hops: 2))
            .WithTags("Stock").WithSummary("Set the safety stock and local share of a SKU at a site").Accepts<PolicyBody>("application/json").Produces<PolicyView>();

        api.MapGet("/sites/{code}/policies", async (HttpContext http, string code) =>
        {
            var paging = Requests.Paging(http);
            if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
            var (limit, cursor) = paging.Value;
            var rows = await node.Database.ReadAsync(async s => await s.QueryAsync<Row>(
                "SELECT site, sku, safety_stock, local_share_percent FROM policies WHERE site = @code AND sku > @after ORDER BY sku LIMIT @more", new { code, after = cursor ?? "", more = limit + 1 }),
                http.RequestAborted);
            await Answers.WriteAsync(http, (Outcome<Page<PolicyView>>)new Page<PolicyView>(
                [.. rows.Take(limit).Select(r => new PolicyView(r.Site, r.Sku, r.SafetyStock, r.LocalSharePercent))], rows.Count > limit ? rows[limit - 1].Sku : null));
        }).WithTags("Stock").WithSummary("The policies of a site, in order of SKU").Pages<PolicyView>();
    }

    public static async ValueTask<Outcome<PolicyView>> DecideAsync(string site, string sku, PolicyBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        if (sku != "*") sku = problems.Code(sku, "sku");
        problems.Check(body.SafetyStock is null or (>= 0 and <= Limits.MaxQuantity), "safety_stock", $"must be 0–{Limits.MaxQuantity}");
        problems.Check(body.LocalSharePercent is null or (>= 0 and <= 100), "local_share_percent", "must be 0–100");
        if (problems.Any) return problems.ToRefusal();
        if (!await Catalog.ReadSites.ExistsAsync(tx, site)) return Refusal.NotFound("site_not_found", $"there is no site {site}");
        if (sku != "*" && (await Catalog.ReadProducts.KindsAsync(tx.Group.Session, [sku])).Count == 0)
            return Refusal.NotFound("product_not_found", $"there is no product {sku}") with { Errors = new Dictionary<string, string[]> { ["sku"] = [$"there is no product {sku}"] } };
        var policy = new PolicyView(site, sku, (int)(body.SafetyStock ?? 0), (int)(body.LocalSharePercent ?? 0));
        await WriteAsync(policy, tx.Now, tx);
        tx.Append(Lane.HubTo(site), new PolicyChanged(sku, policy.SafetyStock, policy.LocalSharePercent), "policy/" + sku);
        return policy;
    }

    internal static ValueTask WriteAsync(PolicyView policy, DateTimeOffset at, LaneTransaction tx) => tx.WriteAsync("""
        INSERT INTO policies (site, sku, safety_stock, local_share_percent, saved_at) VALUES (@Site, @Sku, @SafetyStock, @LocalSharePercent, @at)
        ON CONFLICT (site, sku) DO UPDATE SET safety_stock = excluded.safety_stock, local_share_percent = excluded.local_share_percent, saved_at = excluded.saved_at
        """, new { policy.Site, policy.Sku, policy.SafetyStock, policy.LocalSharePercent, at });
}
