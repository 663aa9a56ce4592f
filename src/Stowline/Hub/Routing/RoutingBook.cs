using System.Text.Json;
using Stowline.Hub.Catalog;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Routing;

/// <summary>All that routing knows when one group of orders is decided.</summary>
public sealed record RoutingNow(IReadOnlyDictionary<string, SiteFacts> Sites, RuleSet Rules, SiteFigures Figures);

/// <summary>
/// The rules and the figures of sites as this process remembers them. The rules are good for as long as the number <see cref="Kind"/> of the hub's lane stands still: every change of a
/// rule takes one, in whichever process, and the numbers come with the lane's head, so an order pays nothing for asking. The figures are measured beside the
/// orders (<c>MeasureSites</c>); what this process gives out in between is added.
/// </summary>
public sealed class RoutingBook(SiteDirectory directory)
{
    /// <summary>The number that every change of a rule takes.</summary>
    internal const string Kind = "routing_rule";

    private readonly Lock _gate = new();
    private RuleSet _rules = RuleSet.Empty;
    private long _version = -1;
    private SiteWork _work = SiteWork.None;
    private Dictionary<string, int> _since = new(StringComparer.Ordinal);

    /// <summary>Of the rules that this process has read last.</summary>
    internal long Version => Volatile.Read(ref _version);

    /// <summary>Set where rules were read that are other than before: what they need may not be measured yet.</summary>
    public Signal Changed { get; } = new();

    public async ValueTask<RoutingNow> NowAsync(LaneTransaction tx)
    {
        var sites = await directory.AllAsync(tx);
        var rules = await RulesAsync(tx);
        if (rules.IsEmpty) return new RoutingNow(sites, rules, SiteFigures.None);
        SiteFigures figures;
        lock (_gate) figures = new SiteFigures(_work, new Dictionary<string, int>(_since, StringComparer.Ordinal));
        tx.Remember(() => AddUp(figures.Own)); // the next group counts on it; after a commit that failed it counts too much until the next measurement
        return new RoutingNow(sites, rules, figures);
    }

    private async ValueTask<RuleSet> RulesAsync(LaneTransaction tx)
    {
        var version = await tx.SettledNumberAsync(Kind, Lane.Hub);
        if (version >= 0 && version == _version) return _rules;
        // Where this very group changes rules, what it reads may yet be rolled back, so it is not remembered.
        var rules = new RuleSet(await RoutingRules.AllAsync(tx.Group.Session));
        if (version < 0) return rules;
        _rules = rules;
        Volatile.Write(ref _version, version);
        if (!rules.IsEmpty) Changed.Set();
        return rules;
    }

    private void AddUp(IReadOnlyDictionary<string, int> given)
    {
        lock (_gate)
            foreach (var (site, parts) in given) _since[site] = _since.GetValueOrDefault(site) + parts;
    }

    /// <summary>A measurement begins: what is given out from now on is counted beside it. A part of this very moment may count twice until the next one.</summary>
    internal void Begin()
    {
        lock (_gate) _since = new Dictionary<string, int>(StringComparer.Ordinal);
    }

    internal void Take(SiteWork work)
    {
        lock (_gate) _work = work;
    }
}

/// <summary>The rows of the rules.</summary>
public static class RoutingRules
{
    private const string Columns = "name, version, priority, active, rule, saved_at, saved_by";

    private sealed record Row
    {
        public string Name { get; init; } = "";
        public long Version { get; init; }
        public int Priority { get; init; }
        public bool Active { get; init; }
        public string Rule { get; init; } = "";
        public DateTimeOffset SavedAt { get; init; }
        public string SavedBy { get; init; } = "";

        public RuleView View()
        {
            var text = TextOf(Rule);
            return new RuleView
            {
                Name = Name, Version = Version, Priority = Priority, Active = Active && text is not null, Conditions = text?.Conditions ?? new RuleConditions(),
                Strategy = text?.Strategy ?? RoutingStrategy.Nearest, StrategyParams = text?.StrategyParams ?? new StrategyParams(), SavedAt = SavedAt, SavedBy = SavedBy,
            };
        }

        /// <summary>Null where a newer process has written what this one does not know: it must neither decide by half of a rule nor stop taking orders.</summary>
        private static RuleText? TextOf(string rule)
        {
            try
            {
                return JsonSerializer.Deserialize(rule, RuleStoreJson.Default.RuleText);
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }

    /// <summary>All rules in the order in which they are asked, also those that are switched off.</summary>
    public static async Task<IReadOnlyList<RuleView>> AllAsync(SqlSession session) =>
        [.. (await session.QueryAsync<Row>($"SELECT {Columns} FROM routing_rules ORDER BY priority DESC, name")).Select(r => r.View())];

    public static async Task<RuleView?> FindAsync(SqlSession session, string name) =>
        (await session.FindAsync<Row>($"SELECT {Columns} FROM routing_rules WHERE name = @name", new { name }))?.View();

    public static string TextOf(RuleView rule) => JsonSerializer.Serialize(new RuleText(rule.Conditions, rule.Strategy, rule.StrategyParams), RuleStoreJson.Default.RuleText);
}
