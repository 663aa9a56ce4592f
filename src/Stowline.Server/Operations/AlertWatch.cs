using Stowline.Contracts;
using Stowline.Hub.Alerts;
using Stowline.Hub.Channels;
using Stowline.Hub.Hooks;
using Stowline.Hub.Ordering;
using Stowline.Hub.Transfers;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Shipping.Carriers;
using Stowline.Store;

namespace Stowline.Server.Operations;

/// <summary>
/// Looks every half minute for what needs somebody (F12, S6, H1) and has it written in the <see cref="AlertBook"/>. What the business suffers from is the same for all
/// processes on the database; what this process suffers from stands under the node's name, and counts when it was so twice in a row.
/// </summary>
internal sealed class AlertWatch(Node node, StatusEndpoints.Around around) : Pump
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(30);

    /// <summary>A webhook that fails for less than this is likely to recover by itself.</summary>
    private static readonly TimeSpan WebhookPatience = TimeSpan.FromMinutes(15);

    /// <summary>An external service that is away for longer is critical (source 2 §12.3): the listings service, the delivery service, a carrier.</summary>
    private static readonly TimeSpan ServicePatience = TimeSpan.FromMinutes(5);

    /// <summary>Between sites of one business nothing is on its way for longer, unless it is lost or nobody has taken it in.</summary>
    private static readonly TimeSpan TransferPatience = TimeSpan.FromDays(7);

    private readonly Rest _rest = new(node.Time);
    private HashSet<string> _before = [];

    public override string Name => "alerts";
    public override TimeSpan Idle => TimeSpan.FromSeconds(5);

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (!_rest.IsOver) return false;
        _rest.For(Between);
        var now = node.Time.GetUtcNow();
        var shared = await node.Database.ReadAsync(s => BusinessAsync(s, node.Modules.OfType<ChannelsModule>().FirstOrDefault()?.Sync, now), ct);
        await WriteAsync("", shared, shared.Select(f => f.Key).ToHashSet(StringComparer.Ordinal), ct);

        var own = OwnOf((await StatusEndpoints.ReadAsync(node, around, ct)).Reasons);
        var seen = own.Select(f => f.Key).ToHashSet(StringComparer.Ordinal);
        await WriteAsync(around.Name, [.. own.Where(f => _before.Contains(f.Key))], seen.Union(_before).ToHashSet(StringComparer.Ordinal), ct);
        _before = seen;
        return false;
    }

    private async Task WriteAsync(string origin, IReadOnlyList<AlertFinding> found, IReadOnlySet<string> kept, CancellationToken ct)
    {
        // Looking costs the writer nothing; it is asked only when there is something to tell. A refusal means a full queue: the next look finds the same.
        if (await node.Database.ReadAsync(s => AlertBook.DiffersAsync(s, origin, found, kept), ct))
            await node.Lanes.ExecuteAsConsumerAsync<int>(Lane.Hub, Caller.System, tx => AlertBook.ReconcileAsync(origin, found, kept, tx));
    }

    private static async Task<IReadOnlyList<AlertFinding>> BusinessAsync(SqlSession session, StockSyncSettings? sync, DateTimeOffset now)
    {
        var found = new List<AlertFinding>();
        foreach (var (reason, orders) in await StuckOrders.CountAsync(session))
            if (orders > 0) found.Add(new AlertFinding("stuck/" + SnakeCaseEnum<StuckReason>.Text(reason), SeverityOf(reason), $"{orders} orders are stuck: {SnakeCaseEnum<StuckReason>.Text(reason)}"));
        if (await LaneReader.ParkedCountAsync(session) is > 0 and var parked) found.Add(new AlertFinding("parked", AlertSeverity.Critical, $"{parked} events or messages could not be handled and wait for an operator"));
        if ((await OrderCounts.ReadAsync(session)).GetValueOrDefault(OrderStatus.Backorder) is > 0 and var waiting)
            found.Add(new AlertFinding("short_stock", AlertSeverity.Warning, $"{waiting} orders wait for stock"));
        foreach (var hook in await Webhooks.TroubledAsync(session, now - ServicePatience))
            if (!hook.Enabled || hook.Profile == WebhookProfile.OrderStatus || hook.FailingSince < now - WebhookPatience)
                found.Add(new AlertFinding($"webhook/{hook.Id}", hook.Enabled && hook.Profile != WebhookProfile.OrderStatus ? AlertSeverity.Warning : AlertSeverity.Critical,
                $"webhook to {new Uri(hook.Url).Host} " + (hook.Enabled ? $"fails since {RowTypes.Text(hook.FailingSince!.Value)}" : $"was switched off: {hook.DisabledReason}")));
        foreach (var (site, carrier, since, error) in await Bookings.UnavailableAsync(session))
            found.Add(new AlertFinding($"carrier/{site}/{carrier}", since < now - ServicePatience ? AlertSeverity.Critical : AlertSeverity.Warning,
                $"carrier {carrier} of {site} does not answer since {(since is { } t ? RowTypes.Text(t) : "its setup")}: {error}"));
        foreach (var (site, status, count) in await Bookings.WaitingAsync(session))
            found.Add(status == BookingStatus.Unsure
                ? new AlertFinding($"booking_unsure/{site}", AlertSeverity.Critical, $"{count} parcels of {site} may be booked: the carrier's answer was lost, and somebody must look there")
                : new AlertFinding($"booking_failed/{site}", AlertSeverity.Warning, $"{count} parcels of {site} were taken by no carrier"));
        if (await TransferReads.CountLateAsync(session, now - TransferPatience) is > 0 and var late)
            found.Add(new AlertFinding("transfers_late", AlertSeverity.Warning, $"{late} transfers between sites are on their way for more than {TransferPatience.Days} days"));
        if (sync is not null) found.AddRange(await ChannelAlerts.FindAsync(session, sync, now));
        return found;
    }

    /// <summary>The critical alerts of source 2 §12.3, and what nobody has handled.</summary>
    private static AlertSeverity SeverityOf(StuckReason reason) => reason switch
    {
        StuckReason.PickingSlow or StuckReason.NoDimensions or StuckReason.CancelUnanswered or StuckReason.Parked or StuckReason.ReservationExpired => AlertSeverity.Critical,
        StuckReason.NotPicked or StuckReason.PackingSlow or StuckReason.NotShipped or StuckReason.BackorderOld or StuckReason.TaskNotStarted or StuckReason.NoProgress => AlertSeverity.Warning,
    };

    /// <summary>What is told though it is not red: it grows, or somebody waits behind it.</summary>
    private static readonly HashSet<string> Told = ["disk_low", "consumer_lag", "relay_lag", "intake_lag", "reader_lag", "dead_letters"];

    /// <summary>The node's own trouble: all that is red, and of the rest the disk, what lags and the dead letters. Pure.</summary>
    internal static IReadOnlyList<AlertFinding> OwnOf(IReadOnlyList<StatusReason> reasons) =>
    [
        .. reasons.Where(r => r.Code is not ("stuck" or "parked") && (r.Status == StatusLight.Red || Told.Contains(r.Code))).GroupBy(r => r.Code, StringComparer.Ordinal)
            .Select(g => new AlertFinding(g.Key, g.Any(r => r.Status == StatusLight.Red) ? AlertSeverity.Critical : AlertSeverity.Warning, string.Join("; ", g.Select(r => r.Detail)))),
    ];
}
