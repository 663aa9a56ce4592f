using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Routing;

/// <summary>
/// <c>/routing/rules</c> (W12): rules made, changed, switched off, deleted. Lane: the hub's. Who did it stands in <c>routing.rule_saved</c> and <c>routing.rule_deleted</c>. Refusals:
/// <c>rule_not_found</c>, <c>too_many_rules</c>. A change counts for every order that is decided after it, in every process.
/// </summary>
public static class SaveRule
{
    private const int MostRules = 200;

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.Get("/routing/rules", async http =>
        {
            var rules = await node.Database.ReadAsync(RoutingRules.AllAsync, http.RequestAborted);
            await Answers.WriteAsync(http, Pages.Of(http, rules, rule => rule.Name)); // there are at most 200
        }).WithTags("Routing").WithSummary("The routing rules, in the order in which they are asked").ShortPages<RuleView>();
        api.MapGet("/routing/rules/{name}", async (HttpContext http, string name) =>
        {
            var rule = await node.Database.ReadAsync(session => RoutingRules.FindAsync(session, name), http.RequestAborted);
            await Answers.WriteAsync(http, rule is null ? NotFound(name) : (Outcome<RuleView>)rule);
        }).WithTags("Routing").WithSummary("One routing rule").Produces<RuleView>();
        api.MapPut("/routing/rules/{name}", (HttpContext http, string name) => Commands.RunAsync<RuleBody, RuleView>(http, node.Lanes, Lane.Hub, (body, tx) => DecideAsync(name, body, tx)))
            .WithTags("Routing").WithSummary("Create or replace a routing rule").Takes<RuleBody>().Produces<RuleView>();
        api.MapDelete("/routing/rules/{name}", (HttpContext http, string name) => Commands.RunAsync(http, node.Lanes, Lane.Hub, tx => DeleteAsync(name, tx)))
            .WithTags("Routing").WithSummary("Delete a routing rule").Produces<RuleView>();
    }

    private static Refusal NotFound(string name) => Refusal.NotFound("rule_not_found", $"there is no routing rule {name}");

    public static async ValueTask<Outcome<RuleView>> DecideAsync(string name, RuleBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        if (body.Name is not null && body.Name.Trim() != name.Trim()) problems.Add("name", "must equal the name of the address");
        var rule = RuleChecks.Check(body with { Name = name }, "", problems);
        await RuleChecks.CheckSitesAsync(tx.Group.Session, [(rule, "")], problems);
        if (problems.Any) return problems.ToRefusal();
        var before = await RoutingRules.FindAsync(tx.Group.Session, rule.Name);
        var text = RoutingRules.TextOf(rule);
        if (before is not null && (before.Priority, before.Active) == (rule.Priority, rule.Active) && RoutingRules.TextOf(before) == text) return Outcome<RuleView>.AlreadyDone(before);
        if (before is null && await tx.FindAsync<long>("SELECT COUNT(*) FROM routing_rules") >= MostRules) return Refusal.Conflict("too_many_rules", $"there are {MostRules} routing rules already");
        rule = rule with { Version = await tx.NextNumberAsync(RoutingBook.Kind, Lane.Hub), SavedAt = tx.Now, SavedBy = tx.Caller.Actor };
        await tx.WriteAsync("""
            INSERT INTO routing_rules (name, version, priority, active, rule, saved_at, saved_by) VALUES (@Name, @Version, @Priority, @Active, @text, @SavedAt, @SavedBy)
            ON CONFLICT (name) DO UPDATE SET version = excluded.version, priority = excluded.priority, active = excluded.active, rule = excluded.rule, saved_at = excluded.saved_at,
                saved_by = excluded.saved_by
            """, new { rule.Name, rule.Version, rule.Priority, rule.Active, text, rule.SavedAt, rule.SavedBy });
        using var told = JsonDocument.Parse(text);
        tx.Append(Lane.Hub, new RoutingRuleSaved(rule.Name, rule.Version, rule.Priority, rule.Active, told.RootElement), "routing/" + rule.Name);
        return rule;
    }

    public static async ValueTask<Outcome<RuleView>> DeleteAsync(string name, LaneTransaction tx)
    {
        if (await RoutingRules.FindAsync(tx.Group.Session, name) is not { } rule) return NotFound(name);
        var version = await tx.NextNumberAsync(RoutingBook.Kind, Lane.Hub);
        await tx.WriteAsync("DELETE FROM routing_rules WHERE name = @name", new { name = rule.Name });
        tx.Append(Lane.Hub, new RoutingRuleDeleted(rule.Name, version), "routing/" + rule.Name);
        return rule;
    }
}

/// <summary>What makes a rule a good one. A rule with a mistake in it would silently send orders elsewhere, so nothing is guessed.</summary>
internal static class RuleChecks
{
    private const int MostEntries = 500;

    /// <param name="at">The path of the rule in error messages, with its dot.</param>
    public static RuleView Check(RuleBody body, string at, Problems problems)
    {
        var name = problems.Code(body.Name, at + "name");
        problems.Check(!name.Contains('/'), at + "name", "must not contain a slash");
        problems.Check(body.Priority is null or (>= -1_000_000 and <= 1_000_000), at + "priority", "must be -1,000,000 to 1,000,000");
        problems.Check(body.Strategy is not null, at + "strategy", "is required: " + SnakeCaseEnum<RoutingStrategy>.Choices);
        var (conditions, given) = (body.Conditions ?? new RuleConditions(), body.StrategyParams ?? new StrategyParams());
        Check(conditions, at + "conditions.", problems);
        Check(given, at + "strategy_params.", problems);
        return new RuleView
        {
            Name = name, Version = 0, Priority = (int)(body.Priority ?? 0), Active = body.Active ?? true, Conditions = Trimmed(conditions), Strategy = body.Strategy ?? RoutingStrategy.Nearest,
            StrategyParams = given, SavedAt = default, SavedBy = "",
        };
    }

    private static void Check(RuleConditions when, string at, Problems problems)
    {
        Texts(when.CustomerCity, at + "customer_city", 128, problems);
        Texts(when.Country, at + "country", 16, problems);
        foreach (var (country, i) in (when.Country ?? []).Select((c, i) => (c, i)))
            problems.Check(country?.Trim() is { Length: 2 } two && two.All(char.IsAsciiLetter), $"{at}country[{i}]", "must be two letters (ISO 3166)");
        Texts(when.PostalPrefix, at + "postal_prefix", 32, problems);
        Texts(when.ProductCategories, at + "product_categories", 128, problems);
        Texts(when.Channel, at + "channel", 64, problems);
        Texts(when.Seller, at + "seller", 128, problems);
        Texts(when.Skus, at + "skus", 64, problems);
        problems.Check(when.Priority is null or { Count: > 0 }, at + "priority", Empty);
        problems.Check(when.FulfillmentType is null or { Count: > 0 }, at + "fulfillment_type", Empty);
        if (when.OrderValueRange is { } range)
        {
            problems.Check(range.Min is not null || range.Max is not null, at + "order_value_range", "needs min or max");
            problems.Check(range.Min is null or >= 0, at + "order_value_range.min", "must not be negative");
            problems.Check(range.Max is null || range.Max >= (range.Min ?? 0), at + "order_value_range.max", "must not be less than min");
            problems.Check(range.Currency is null || Money.IsCurrency(range.Currency), at + "order_value_range.currency", Money.CurrencyRule);
        }
        if (when.TimeOfDay is { } time) Check(time, at + "time_of_day", problems);
    }

    private static void Check(TimeWindow time, string at, Problems problems)
    {
        problems.Check(time.From is not null || time.To is not null || time.Weekdays is not null, at, "needs from, to or weekdays");
        problems.Check(time.From is null || time.From != "24:00" && RoutingRule.Clock(time.From) is not null, at + ".from", "must be a time such as 09:00");
        problems.Check(time.To is null || RoutingRule.Clock(time.To) is not null, at + ".to", "must be a time such as 18:00");
        problems.Check(time.From is null || (RoutingRule.Clock(time.To) ?? TimeSpan.FromDays(1)) != RoutingRule.Clock(time.From), at + ".to", "must differ from from");
        problems.Check(time.Weekdays is null or { Count: > 0 }, at + ".weekdays", Empty);
        problems.Check(time.TimeZone is null || TimeZoneInfo.TryFindSystemTimeZoneById(time.TimeZone, out _), at + ".time_zone", "must be an IANA time zone such as Europe/Belgrade");
    }

    private static void Check(StrategyParams p, string at, Problems problems)
    {
        Texts(p.OnlySites, at + "only_sites", 64, problems);
        Texts(p.PreferSites, at + "prefer_sites", 64, problems);
        Texts(p.ExcludeSites, at + "exclude_sites", 64, problems);
        problems.Check(p.MaxDistanceKm is null or (> 0 and <= 25_000), at + "max_distance_km", "must be above 0, at most 25,000");
        problems.Check(p.MaxSplit is null or (>= 1 and <= 100), at + "max_split", "must be 1–100");
        problems.Check(p.CostPerKm is null or (>= 0 and <= 1_000_000), at + "cost_per_km", "must be 0–1,000,000");
        problems.Check(p.HandlingCost is null or (>= 0 and <= 1_000_000), at + "handling_cost", "must be 0–1,000,000");
        problems.Check(p.MinutesPerKm is null or (>= 0 and <= 10_000), at + "minutes_per_km", "must be 0–10,000");
        PerSite(p.SiteCosts, at + "site_costs", v => v is >= 0 and <= 1_000_000, "must be 0–1,000,000", problems);
        PerSite(p.LeadMinutes, at + "lead_minutes", v => v is >= 0 and <= 1_000_000, "must be 0–1,000,000", problems);
        PerSite(p.SiteWeights, at + "site_weights", v => v is > 0 and <= 1_000_000, "must be above 0, at most 1,000,000", problems);
    }

    private const string Empty = "must not be empty; leave it out";

    private static void Texts(IReadOnlyList<string?>? given, string at, int max, Problems problems)
    {
        if (given is null) return;
        problems.Check(given.Count > 0, at, Empty);
        problems.Check(given.Count <= MostEntries, at, $"must have at most {MostEntries} entries");
        foreach (var (text, i) in given.Take(MostEntries).Select((t, i) => (t, i)))
        {
            problems.Check(!string.IsNullOrWhiteSpace(text), $"{at}[{i}]", "must not be empty");
            problems.Text(text, $"{at}[{i}]", max);
        }
    }

    private static void PerSite<T>(IReadOnlyDictionary<string, T>? given, string at, Func<T, bool> isRight, string rule, Problems problems)
    {
        if (given is null) return;
        problems.Check(given.Count is > 0 and <= MostEntries, at, $"must have 1–{MostEntries} entries; leave it out for none");
        foreach (var (site, value) in given.Take(MostEntries)) problems.Check(isRight(value), $"{at}.{site}", rule);
    }

    private static RuleConditions Trimmed(RuleConditions when) => when with
    {
        CustomerCity = Trimmed(when.CustomerCity), Country = Trimmed(when.Country), PostalPrefix = Trimmed(when.PostalPrefix)?.Select(p => p!.Replace(" ", "", StringComparison.Ordinal)).ToList(),
        ProductCategories = Trimmed(when.ProductCategories), Channel = Trimmed(when.Channel), Seller = Trimmed(when.Seller), Skus = Trimmed(when.Skus),
    };

    private static IReadOnlyList<string?>? Trimmed(IReadOnlyList<string?>? given) => given is null ? null : [.. given.Select(t => t?.Trim() ?? "")];

    /// <summary>Sites that a rule names must be there: a misspelled one would never be chosen, and nobody would see why.</summary>
    public static async Task CheckSitesAsync(SqlSession session, IReadOnlyList<(RuleView Rule, string At)> rules, Problems problems)
    {
        var named = rules.SelectMany(r => Named(r.Rule.StrategyParams, r.At + "strategy_params.")).ToList();
        string[] codes = [.. named.Select(n => n.Site).Distinct(StringComparer.Ordinal)];
        var known = await Catalog.ReadSites.ThoseOfAsync(session, codes);
        foreach (var (site, field) in named)
            if (!known.Contains(site)) problems.Add(field, $"there is no site {site}");
    }

    private static IEnumerable<(string Site, string Field)> Named(StrategyParams p, string at)
    {
        var lists = new[] { ("only_sites", p.OnlySites), ("prefer_sites", p.PreferSites), ("exclude_sites", p.ExcludeSites) };
        var maps = new[] { ("site_costs", p.SiteCosts?.Keys), ("lead_minutes", p.LeadMinutes?.Keys), ("site_weights", p.SiteWeights?.Keys) };
        return lists.SelectMany(l => (l.Item2 ?? []).OfType<string>().Select((site, i) => (site, $"{at}{l.Item1}[{i}]")))
            .Concat(maps.SelectMany(m => (m.Item2 ?? []).Select(site => (site, $"{at}{m.Item1}.{site}"))));
    }
}
