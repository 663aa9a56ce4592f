using System.Collections.Concurrent;
using Microsoft.AspNetCore.Routing;
using Stowline.Hub.Hooks;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Channels;

/// <summary>Marketplaces: orders in, stock out, and both compared (S1–S8).</summary>
public sealed class ChannelsModule : Module
{
    /// <summary>Allegro's limit for one client id.</summary>
    internal const int AllegroPerMinute = 9_000;

    private readonly Lock _gate = new();
    private readonly List<ChannelPump> _pumps = [];
    private readonly ConcurrentDictionary<(string Of, int PerMinute), CallBudget> _budgets = new();

    public override string Name => "channels";

    /// <summary>Which addresses may be called.</summary>
    public HookTarget Target { get; } = new();

    /// <summary>Set before the first account is served.</summary>
    public StockSyncSettings Sync { get; set; } = new();

    internal ChannelOrders? Orders { get; private set; }
    internal StockPlan? Plan { get; private set; }

    public override Task StartAsync(Node node, CancellationToken ct)
    {
        Orders = new ChannelOrders(node, this);
        Plan = new StockPlan(node, this);
        node.Lanes.Meter.Get<ChannelMetrics>(); // there from the start, not from the first call on
        return Task.CompletedTask;
    }

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        SaveChannel.Map(api, node, Target);
        ChannelOffers.Map(api, node);
        new TakeShopOrder(node, Orders!).Map(api);
        StockSync.Map(api, node, this);
        OrderReports.Map(api, node, this);
    }

    public override IEnumerable<Pump> Pumps(Node node) => [Plan!, new ReportFeed(node, this), new ChannelKeeper(node, this), new ChannelCleaning(node)];

    /// <summary>Allegro counts by client id, so accounts of one registered application share a budget.</summary>
    internal CallBudget BudgetOf(AccountRow account, ChannelSecrets secrets, TimeProvider time)
    {
        var of = account.Kind == ChannelKind.Allegro && secrets.ClientId is { } client ? "client/" + client : "account/" + account.Code;
        return _budgets.GetOrAdd((of, account.Rules.RequestsPerMinute ?? AllegroPerMinute), static (key, clock) => new CallBudget(clock, key.PerMinute), time);
    }

    internal void Add(ChannelPump pump)
    {
        lock (_gate) _pumps.Add(pump);
    }

    /// <summary>There is something for the accounts to do.</summary>
    internal void WakeAll()
    {
        lock (_gate)
            foreach (var pump in _pumps) pump.Wake.Set();
    }

    public override IEnumerable<(string Check, Func<SqlSession, Task<string?>> Run)> Checks(Node node)
    {
        yield return ("channel_reports", async session => await session.FindAsync<string>("""
            SELECT 'report ' || CAST(id AS VARCHAR(40)) || ' is not as its state says' FROM channel_reports WHERE (status = 3) <> (completed_at IS NOT NULL) LIMIT 1
            """));
        yield return ("stock_sync", async session => await session.FindAsync<string>("""
            SELECT 'operation ' || CAST(o.id AS VARCHAR(40)) || ' is not as its state says' FROM stock_operations o
            WHERE (o.status = 3) <> (o.completed_at IS NOT NULL) OR o.status = 2 AND o.command_id IS NULL
               OR o.command_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM channel_commands c WHERE c.id = o.command_id) LIMIT 1
            """) ?? await session.FindAsync<string>("""
            SELECT 'offer ' || offer || ' of ' || account || ' has two quantities under way' FROM stock_operations WHERE command_id IS NOT NULL GROUP BY account, offer HAVING COUNT(*) > 1 LIMIT 1
            """));
    }
}
