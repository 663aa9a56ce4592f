using System.Globalization;
using Stowline.Hub.Channels;

namespace Stowline.Server;

/// <summary>The settings of stock synchronization by their names in source 5, as settings (<c>stock_sync_retry_max_attempts</c>) and in the environment (<c>STOCK_SYNC_RETRY_MAX_ATTEMPTS</c>).</summary>
internal static class StockSyncNames
{
    private const string Prefix = "stock_sync_";

    public static readonly string[] All =
    [
        Prefix + "retry_max_attempts", Prefix + "retry_initial_delay", Prefix + "retry_max_delay", Prefix + "retry_exponential_base", Prefix + "retry_jitter",
        Prefix + "reconciliation_interval_minutes", Prefix + "reconciliation_batch_size", Prefix + "reconciliation_auto_fix_threshold_hours",
        Prefix + "monitoring_alert_on_failed_retries", Prefix + "monitoring_max_pending_operations", Prefix + "monitoring_stale_operation_hours",
    ];

    /// <exception cref="CommandRefusedException">One is not what it must be.</exception>
    public static StockSyncSettings Read(IReadOnlyDictionary<string, string> given)
    {
        var set = new StockSyncSettings();
        return set with
        {
            RetryMaxAttempts = Whole("retry_max_attempts", set.RetryMaxAttempts, 0, 100),
            RetryInitialDelay = Whole("retry_initial_delay", set.RetryInitialDelay, 1, 86_400),
            RetryMaxDelay = Whole("retry_max_delay", set.RetryMaxDelay, 1, 86_400),
            RetryExponentialBase = Number("retry_exponential_base", set.RetryExponentialBase, 1, 10),
            RetryJitter = Flag("retry_jitter", set.RetryJitter),
            ReconciliationIntervalMinutes = Whole("reconciliation_interval_minutes", set.ReconciliationIntervalMinutes, 1, 10_080),
            ReconciliationBatchSize = Whole("reconciliation_batch_size", set.ReconciliationBatchSize, 1, 1_000),
            ReconciliationAutoFixThresholdHours = Whole("reconciliation_auto_fix_threshold_hours", set.ReconciliationAutoFixThresholdHours, 0, 8_760),
            MonitoringAlertOnFailedRetries = Flag("monitoring_alert_on_failed_retries", set.MonitoringAlertOnFailedRetries),
            MonitoringMaxPendingOperations = Whole("monitoring_max_pending_operations", set.MonitoringMaxPendingOperations, 1, 1_000_000),
            MonitoringStaleOperationHours = Whole("monitoring_stale_operation_hours", set.MonitoringStaleOperationHours, 1, 8_760),
        };

        string? Text(string name) => given.GetValueOrDefault(Prefix + name) is { Length: > 0 } text ? text : null;

        int Whole(string name, int otherwise, int least, int most) => Text(name) is not { } text ? otherwise
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value
            : throw new CommandRefusedException($"{Prefix}{name} must be a whole number from {least} to {most}, not '{text}'");

        double Number(string name, double otherwise, double least, double most) => Text(name) is not { } text ? otherwise
            : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value
            : throw new CommandRefusedException($"{Prefix}{name} must be from {least} to {most}, not '{text}'");

        bool Flag(string name, bool otherwise) => Text(name)?.ToLowerInvariant() switch
        {
            null => otherwise,
            "true" or "1" => true,
            "false" or "0" => false,
            var text => throw new CommandRefusedException($"{Prefix}{name} must be true or false, not '{text}'"),
        };
    }
}
