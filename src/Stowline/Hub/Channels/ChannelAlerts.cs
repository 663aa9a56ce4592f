using System.Globalization;
using Stowline.Hub.Alerts;
using Stowline.Store;

namespace Stowline.Hub.Channels;

/// <summary>What of the marketplaces needs somebody (S6): the alerts of source 5 with its thresholds, and accounts and orders that stand still.</summary>
public static class ChannelAlerts
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(60);
    /// <summary>An external service that is away for longer is critical (source 2 §12.3).</summary>
    private static readonly TimeSpan Away = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);
    private const double MostFailing = 0.10;
    private const int FewCalls = 20;

    private sealed record Rate { public long Failed { get; init; } public long Good { get; init; } }
    private sealed record Waiting { public string Account { get; init; } = ""; public long Orders { get; init; } }

    public static async Task<IReadOnlyList<AlertFinding>> FindAsync(SqlSession session, StockSyncSettings settings, DateTimeOffset now)
    {
        var found = new List<AlertFinding>();
        var (pending, _, failed, stale) = await StockSync.CountsAsync(session, settings, now);
        if (pending > settings.MonitoringMaxPendingOperations)
            found.Add(new AlertFinding("stock_sync/high_pending_operations", AlertSeverity.Critical, $"Many stock synchronization operations wait: {pending}. The synchronization needs to be looked at"));
        if (stale > 0)
            found.Add(new AlertFinding("stock_sync/stale_operations", AlertSeverity.Critical, $"Stock synchronization operations are stuck: {stale}, for more than {settings.MonitoringStaleOperationHours} hours. Somebody needs to step in"));
        if (failed > 0 && settings.MonitoringAlertOnFailedRetries)
            found.Add(new AlertFinding("stock_sync/failed", AlertSeverity.Warning, $"{failed} stock operations have failed after all retries"));
        var rate = (await session.FindAsync<Rate>("""
            SELECT (SELECT COUNT(*) FROM stock_sync_log WHERE at >= @since AND action IN ('sync_failed', 'sync_error')) AS failed, (SELECT COUNT(*) FROM stock_sync_log WHERE at >= @since AND action = 'sync_success') AS good
            """, new { since = now - Window }))!;
        if (rate.Failed + rate.Good >= FewCalls && rate.Failed > MostFailing * (rate.Failed + rate.Good))
            found.Add(new AlertFinding("stock_sync/sync_failure_rate", AlertSeverity.Warning, string.Create(CultureInfo.InvariantCulture,
                $"Much of the stock synchronization fails: {100.0 * rate.Failed / (rate.Failed + rate.Good):0.0} % in the last {Window.TotalMinutes:0} minutes. Are the marketplaces there?")));
        foreach (var account in await AccountRow.AllAsync(session))
            if (account is { Enabled: true, FailingSince: { } since } && since < now - Away)
                found.Add(new AlertFinding("channel/" + account.Code, AlertSeverity.Critical, $"channel {account.Code} cannot be reached since {RowTypes.Text(since)}: {account.LastError}"));
        // A form that is not there yet comes by itself; what is still not taken after a quarter of an hour needs a product, or a SKU for an offer.
        foreach (var row in await session.QueryAsync<Waiting>("SELECT account, COUNT(*) AS orders FROM channel_waiting_orders WHERE first_seen_at < @before GROUP BY account ORDER BY account", new { before = now - Patience }))
            found.Add(new AlertFinding($"channel/{row.Account}/orders", AlertSeverity.Critical, $"{row.Orders} orders of channel {row.Account} cannot be taken; see its waiting-orders"));
        foreach (var row in await session.QueryAsync<Waiting>("SELECT account, COUNT(*) AS orders FROM channel_reports WHERE status = 4 AND transport = @no GROUP BY account ORDER BY account", new { no = false }))
            found.Add(new AlertFinding($"channel/{row.Account}/reports", AlertSeverity.Warning, $"{row.Orders} reports on orders were refused by channel {row.Account}; see its reports"));
        return found;
    }
}
