namespace Stowline.Hub.Channels;

/// <summary>How stock is kept in step with marketplaces: the settings of source 5 by their names (<c>STOCK_SYNC_…</c>) and defaults.</summary>
public sealed record StockSyncSettings
{
    /// <summary>How often an operation is retried before it has failed.</summary>
    public int RetryMaxAttempts { get; init; } = 5;

    /// <summary>Seconds before the first retry.</summary>
    public int RetryInitialDelay { get; init; } = 60;

    /// <summary>Seconds between retries at most, whatever the jitter.</summary>
    public int RetryMaxDelay { get; init; } = 3600;
    public double RetryExponentialBase { get; init; } = 2.0;

    /// <summary>Delays differ by up to a fifth, so that what failed together does not come back together.</summary>
    public bool RetryJitter { get; init; } = true;
    public int ReconciliationIntervalMinutes { get; init; } = 30;

    /// <summary>Offers per call that reads the marketplace's stock.</summary>
    public int ReconciliationBatchSize { get; init; } = 100;
    public int ReconciliationAutoFixThresholdHours { get; init; } = 24;
    public bool MonitoringAlertOnFailedRetries { get; init; } = true;
    public int MonitoringMaxPendingOperations { get; init; } = 1000;
    public int MonitoringStaleOperationHours { get; init; } = 6;

    /// <summary>How long finished operations and log lines are kept.</summary>
    internal static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    /// <summary>The wait before retry <paramref name="retry"/>, counted from 1. Pure.</summary>
    /// <param name="random">In [0, 1).</param>
    public TimeSpan Delay(int retry, double random)
    {
        var seconds = Math.Min(RetryInitialDelay * Math.Pow(RetryExponentialBase, Math.Min(retry - 1, 60)), RetryMaxDelay);
        return TimeSpan.FromSeconds(Math.Min(seconds * (RetryJitter ? 0.8 + 0.4 * random : 1), RetryMaxDelay));
    }
}
