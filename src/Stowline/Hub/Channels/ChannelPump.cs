using Stowline.Hub.Hooks;
using Stowline.Log;

namespace Stowline.Hub.Channels;

/// <summary>
/// All that goes on with one account: stock out, orders in, comparing. One pump per account, so that a marketplace that hangs delays no other. Of several processes the one that runs
/// the consumers does it; should two believe that they are it, commands are taken in transactions and known by their ids, so nothing is done twice.
/// </summary>
internal sealed class ChannelPump(Node node, string account, ChannelsModule module) : Pump, IAsyncDisposable
{
    private readonly Signal _wake = new();
    private Line? _line;

    /// <summary>The account's connection, made anew when its settings change.</summary>
    private sealed record Line(AccountRow Of, ChannelCalls Calls, AllegroApi? Api, IShop? Shop, StockOut Stock, AllegroOrders? Orders, Reconcile Reconcile, IOrderTeller? Teller, ReportOut Reports);

    public override string Name => "channel " + account;
    public override Signal Wake => _wake;

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        // Also when another process serves the account by now, its settings have changed or it is switched off: nobody else has what was not stored.
        if (_line?.Api is { } api && !await api.SettleAsync(ct)) return false;
        if (!node.Lanes.Duty.IsOurs || await ReadAsync(ct) is not { Enabled: true } row) return false;
        if (Open(row) is not { } line) return false;
        var worked = false;
        if (line.Shop is { } shop && row.Rules.SendsStock)
        {
            worked = await line.Stock.RunAsync(shop, row, ct);
            row = worked ? await ReadAsync(ct) ?? row : row;
        }
        if (line.Orders is { } orders && row.Rules.TakesOrders)
        {
            var took = await orders.RunAsync(row, ct);
            row = took ? await ReadAsync(ct) ?? row : row;
            worked |= took;
        }
        if (line.Teller is { } teller && row.Rules.TellsOrders)
        {
            var told = await line.Reports.RunAsync(teller, row, ct);
            row = told ? await ReadAsync(ct) ?? row : row;
            worked |= told;
        }
        if (line.Shop is { } shown) worked |= await line.Reconcile.RunAsync(shown, row, ct);
        Tell(row);
        return worked;
    }

    /// <summary>A marketplace that does not answer shows in the status, but is not this node's trouble: it has an alert of its own.</summary>
    private void Tell(AccountRow row)
    {
        FailingSince = null;
        if (row.FailingSince is null) LastError = null;
        else (LastError, LastErrorAt) = (row.LastError, node.Time.GetUtcNow());
    }

    private Task<AccountRow?> ReadAsync(CancellationToken ct) => node.Database.ReadAsync(async s => await AccountRow.FindAsync(s, account), ct);

    private Line? Open(AccountRow row)
    {
        if (_line is { } known && known.Of.Settings == row.Settings && known.Of.Secrets.AsSpan().SequenceEqual(row.Secrets)) return known;
        if (row.Opened(node.Secrets) is not { } secrets)
        {
            (LastError, LastErrorAt) = ("the account's secrets were sealed with another key: give secrets_key, or save them anew", node.Time.GetUtcNow());
            FailingSince ??= LastErrorAt;
            return null;
        }
        _line?.Calls.Dispose();
        var calls = new ChannelCalls(node, module.Target, module.BudgetOf(row, secrets, node.Time));
        var books = new StockBooks(node, account, module.Sync);
        var api = row.Kind == ChannelKind.Allegro ? new AllegroApi(node, calls, row, secrets) : null;
        IShop? shop = row.Kind switch
        {
            ChannelKind.Allegro => new AllegroStock(api!),
            ChannelKind.Shop => row.Rules.Mapping?.Stock is null ? null : new ShopStock(account, calls, row.Rules.Mapping, secrets),
        };
        IOrderTeller? teller = row.Kind switch
        {
            ChannelKind.Allegro => new AllegroTeller(api!, row.Rules, SkusAsync),
            ChannelKind.Shop => row.Rules.Mapping is null ? null : new ShopTeller(account, calls, row.Rules, secrets, SkusAsync),
        };
        return _line = new Line(row, calls, api, shop, new StockOut(node, account, books), api is null ? null : new AllegroOrders(node, api, module.Orders!, books),
            new Reconcile(node, account, module.Sync, books), teller, new ReportOut(node, account, module.Sync, books));
    }

    private Task<IReadOnlyDictionary<string, string>> SkusAsync(IReadOnlyCollection<string> offers, CancellationToken ct) =>
        node.Database.ReadAsync(s => ChannelOffers.SkusAsync(s, account, offers), ct);

    public ValueTask DisposeAsync()
    {
        _line?.Calls.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>Makes a pump for each account that there is, also for those that another process has made.</summary>
internal sealed class ChannelKeeper(Node node, ChannelsModule module) : Pump
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    public override string Name => "channels";
    public override TimeSpan Idle => TimeSpan.FromSeconds(2);

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var made = false;
        foreach (var code in await node.Database.ReadAsync(async s => await s.QueryAsync<string>("SELECT code FROM channel_accounts ORDER BY code"), ct))
        {
            if (!_known.Add(code)) continue;
            var pump = new ChannelPump(node, code, module);
            module.Add(pump);
            node.Add(pump);
            made = true;
        }
        return made;
    }
}

/// <summary>Deletes finished operations, reports, log lines and what was cancelled before it came after thirty days (S4).</summary>
internal sealed class ChannelCleaning(Node node) : Pump
{
    private const int Step = 1_000;
    private static readonly TimeSpan Between = TimeSpan.FromHours(24);
    private readonly Rest _rest = new(node.Time);

    public override string Name => "stock synchronization clean-up";
    public override TimeSpan Idle => TimeSpan.FromMinutes(10);

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (!_rest.IsOver || !node.Lanes.Duty.IsOurs) return false;
        var before = node.Time.GetUtcNow() - StockSyncSettings.Kept;
        var any = await node.Database.ReadAsync(async s => (await s.FindAsync<Guid?>("SELECT id FROM stock_sync_log WHERE at < @before LIMIT 1", new { before })
            ?? await s.FindAsync<Guid?>("SELECT id FROM stock_operations WHERE status IN (3, 5) AND updated_at < @before AND command_id IS NULL LIMIT 1", new { before })
            ?? await s.FindAsync<Guid?>("SELECT id FROM channel_reports WHERE status IN (3, 5) AND updated_at < @before LIMIT 1", new { before })) is not null
            || await CancelledOrders.AnyAsync(s, before), ct);
        if (!any)
        {
            _rest.For(Between);
            return false;
        }
        var outcome = await node.Lanes.ExecuteAsConsumerAsync<int>(Lane.Hub, Caller.System, async tx =>
            await tx.ExecuteAsync($"DELETE FROM stock_sync_log WHERE id IN (SELECT id FROM stock_sync_log WHERE at < @before ORDER BY at LIMIT {Step})", new { before })
            + await tx.ExecuteAsync($"DELETE FROM channel_reports WHERE id IN (SELECT id FROM channel_reports WHERE status IN (3, 5) AND updated_at < @before ORDER BY updated_at LIMIT {Step})", new { before })
            + await CancelledOrders.CleanAsync(tx, before, Step)
            + await tx.ExecuteAsync($"""
                DELETE FROM stock_operations WHERE id IN (SELECT id FROM stock_operations WHERE status IN (3, 5) AND updated_at < @before AND command_id IS NULL ORDER BY updated_at LIMIT {Step})
                """, new { before }));
        return outcome.Outcome.IsOk;
    }
}
