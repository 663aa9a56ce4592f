using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Catalog;
using Stowline.Hub.Routing;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Ordering;

/// <summary>Rules to be tried on orders of the past (W12).</summary>
public sealed record SimulationBody : IOptionalBody
{
    /// <summary>The whole set of rules, also those that stay as they are; the saved ones when not given, and with none what happens without rules.</summary>
    public IReadOnlyList<RuleBody?>? Rules { get; init; }
    /// <summary>The newest so many orders, 1–1,000; 200 when not given.</summary>
    public long? Last { get; init; }
    /// <summary>Only placed at this time or later.</summary>
    public DateTimeOffset? Since { get; init; }
    /// <summary>Only placed before this time.</summary>
    public DateTimeOffset? Until { get; init; }
    /// <summary>Only of this channel.</summary>
    public string? Channel { get; init; }
    /// <summary>By what costs are counted, before and after; those of the first rule for <c>cheapest</c> when not given, and without any no costs are told.</summary>
    public CostBasis? Costs { get; init; }
}

/// <summary>What a part costs: its handling at the site and the way. As in a rule for <c>cheapest</c>.</summary>
public sealed record CostBasis(decimal? CostPerKm, decimal? HandlingCost, IReadOnlyDictionary<string, decimal>? SiteCosts);

/// <summary>What would have happened. Nothing was written.</summary>
/// <param name="Orders">How many were tried.</param>
/// <param name="Changed">How many would have gone elsewhere, in whole or in part.</param>
/// <param name="Unsure">How many of them are told on an assumption about stock.</param>
public sealed record SimulationView(int Orders, int Changed, int Unsure, LeftOut LeftOut, SimulatedTotals Before, SimulatedTotals After, IReadOnlyList<SimulatedSite> Sites,
    IReadOnlyList<SimulatedOrder> Items);

/// <param name="Splits">Orders with parts at more than one site.</param>
/// <param name="Unserved">Orders of which something had no site: refused, or a backorder.</param>
/// <param name="DistanceKm">From sites to customers, over all parts whose distance is known.</param>
/// <param name="Cost">Null where no costs are given.</param>
public sealed record SimulatedTotals(int Splits, int Unserved, double DistanceKm, double? Cost);

/// <summary>A site's share of the orders, before and after.</summary>
public sealed record SimulatedSite(string Site, SimulatedShare Before, SimulatedShare After);

/// <param name="Orders">Orders of which the site had a part.</param>
public sealed record SimulatedShare(int Orders, long Units, double DistanceKm, double? Cost);

/// <summary>One order: as it was routed, and as it would have been.</summary>
/// <param name="Sure">False where what a site had of the order is known only in part.</param>
public sealed record SimulatedOrder(string Id, long Number, string Channel, DateTimeOffset PlacedAt, bool Changed, bool Sure, SimulatedRoute Before, SimulatedRoute After);

/// <param name="Rule">The rule that decided, or null.</param>
/// <param name="Unserved">Units without a site.</param>
public sealed record SimulatedRoute(string Strategy, string? Rule, string Summary, IReadOnlyList<SimulatedPart> Parts, long Unserved, double? DistanceKm, double? Cost);

public sealed record SimulatedPart(string Site, long Units);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SimulationBody))]
[JsonSerializable(typeof(SimulationView))]
internal sealed partial class SimulationJson : JsonSerializerContext;

/// <summary><c>POST /routing/simulate</c>: the router itself, over decisions that are kept. Only reads.</summary>
public static class SimulateRouting
{
    private const int MostOrders = 1_000;
    private const int MostRules = 200;

    internal static void Map(IEndpointRouteBuilder api, Node node) => api.Post("/routing/simulate", async http =>
    {
        var body = await Requests.ReadAsync<SimulationBody>(http);
        if (body.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        await Answers.WriteAsync(http, await RunAsync(node, body.Value, http.RequestAborted));
    }).WithTags("Routing").WithSummary("Try rules on orders of the past: what would have happened").Takes<SimulationBody>(optional: true).Produces<SimulationView>();

    public static async Task<Outcome<SimulationView>> RunAsync(Node node, SimulationBody body, CancellationToken ct = default)
    {
        var problems = new Problems();
        problems.Check(body.Last is null or (>= 1 and <= MostOrders), "last", $"must be 1–{MostOrders}");
        problems.Check(body.Since is null || body.Until is null || body.Since < body.Until, "until", "must be later than since");
        problems.Check(body.Channel is null || CodeRule.TryNormalize(body.Channel, out _), "channel", CodeRule.Description);
        problems.Check(body.Rules is null or { Count: <= MostRules }, "rules", $"must be at most {MostRules}");
        var drafts = (body.Rules ?? []).Take(MostRules).Select((r, i) => (Body: r, At: $"rules[{i}].")).ToList();
        foreach (var (draft, at) in drafts) problems.Check(draft is not null, at.TrimEnd('.'), "must not be null");
        var rules = drafts.Where(d => d.Body is not null).Select(d => (Rule: RuleChecks.Check(d.Body!, d.At, problems), d.At)).ToList();
        foreach (var twice in rules.GroupBy(r => r.Rule.Name, StringComparer.Ordinal).Where(g => g.Key.Length > 0 && g.Count() > 1)) problems.Add(twice.Last().At + "name", "is given twice");
        var filter = new PastFilter((int)Math.Clamp(body.Last ?? 200, 1, MostOrders), body.Since, body.Until, body.Channel?.Trim());
        // One moment for all that is read, as a decision reads its own.
        return await node.Database.SnapshotAsync<Outcome<SimulationView>>(async session =>
        {
            await RuleChecks.CheckSitesAsync(session, rules, problems);
            if (problems.Any) return problems.ToRefusal();
            var set = new RuleSet(body.Rules is null ? await RoutingRules.AllAsync(session) : rules.Select(r => r.Rule));
            var (orders, leftOut) = await PastOrders.ReadAsync(session, filter);
            var leads = set.Rules.Any(r => r.Strategy == RoutingStrategy.Fastest) ? await MeasureSites.LeadsAsync(session) : SiteWork.None.LeadMinutes;
            var simulation = new RoutingSimulation(set, await SiteDirectory.AllAsync(session), leads, BasisOf(body.Costs, set));
            return simulation.Run(orders, leftOut);
        }, ct);
    }

    private static StrategyParams? BasisOf(CostBasis? given, RuleSet rules) => given is not null
        ? new StrategyParams { CostPerKm = given.CostPerKm, HandlingCost = given.HandlingCost, SiteCosts = given.SiteCosts }
        : rules.Rules.FirstOrDefault(r => r.Strategy == RoutingStrategy.Cheapest)?.Params;
}
