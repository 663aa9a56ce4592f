using System.Diagnostics.Metrics;
using System.Globalization;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Log;

namespace Stowline.Server.Telemetry;

/// <summary>
/// How the node stands, as metrics: lanes, consumers, queues, pumps, disk, orders by state. What only the database knows is read before it is
/// told, at most once a second.
/// </summary>
internal sealed class NodeMetrics : Pump, IDisposable
{
    private sealed record Reading(IReadOnlyList<LaneStatus> Lanes, long Parked, long DatabaseBytes, IReadOnlyDictionary<StuckReason, long> Stuck,
        IReadOnlyDictionary<OrderStatus, long> Orders);

    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    /// <summary>What an order as a whole may be; short is for parts.</summary>
    private static readonly OrderStatus[] OrderStatuses = [.. Enum.GetValues<OrderStatus>().Where(s => s != OrderStatus.Short)];
    private static readonly string[] Statuses = [.. Enumerable.Range(0, 600).Select(s => s.ToString(CultureInfo.InvariantCulture))];
    private readonly Node _node;
    private readonly Disk _disk;
    private readonly Meter _meter;
    private readonly Histogram<double> _requests;
    private Reading? _reading;
    private long _read;
    private bool _isUp;

    public NodeMetrics(Node node, Disk disk, Func<int> liveClients, string version)
    {
        (_node, _disk) = (node, disk);
        _meter = new Meter(new MeterOptions("Stowline.Server") { Scope = node.Lanes });
        _requests = _meter.CreateHistogram("stowline_http_request_seconds", "s", "Duration of a request by route and status", null,
            NodeMeter.Buckets(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10));
        DefineLanes();
        DefinePumps();
        Gauge("stowline_orders", "Orders by state",
            () => _reading is { } r ? OrderStatuses.Select(s => One(r.Orders.GetValueOrDefault(s), ("status", SnakeCaseEnum<OrderStatus>.Text(s)))) : []);
        Gauge("stowline_orders_stuck", "Orders that stand still for too long, by reason",
            () => _reading is { } r ? r.Stuck.Select(s => One(s.Value, ("reason", SnakeCaseEnum<StuckReason>.Text(s.Key)))) : []);
        Gauge("stowline_disk_free_bytes", "Free space where the data is", () => _disk.Free is { } free ? [One(free)] : []);
        Gauge("stowline_disk_size_bytes", "Size of the file system where the data is", () => _disk.Size is { } size ? [One(size)] : []);
        Gauge("stowline_live_clients", "Connections to the live feed", () => [One(liveClients())]);
        Gauge("stowline_build_info", "Always 1; the version and the database are in the labels", () => [One(1, ("version", version), ("database", node.Database.Engine))]);
    }

    public override string Name => "metrics";
    public override TimeSpan Idle => TimeSpan.FromSeconds(10);

    /// <summary>Only for exporters that cannot wait for a reading, as OTLP's.</summary>
    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        await RefreshAsync(ct);
        return false;
    }

    public void Request(string method, string route, int status, TimeSpan elapsed) => _requests.Record(elapsed.TotalSeconds,
        new("method", Method(method)), new("route", route), new("status", status is >= 0 and < 600 ? Statuses[status] : "other"));

    /// <summary>A caller may send any word as a method; only those that mean something become series.</summary>
    private static string Method(string method) => method switch
    {
        "GET" or "POST" or "PUT" or "DELETE" or "HEAD" or "OPTIONS" or "PATCH" => method,
        _ => "other",
    };

    private void DefineLanes()
    {
        Counter("stowline_lane_events", "Events in a lane", () => _reading is { } r ? r.Lanes.Select(l => One(l.Head, ("lane", l.Name))) : []);
        Gauge("stowline_consumer_lag_events", "Events that a consumer has yet to see", () => _node.Lanes.Progress.Select(p => One(p.Lag, ("consumer", p.Consumer), ("lane", p.Lane.Name))));
        Gauge("stowline_queue_commands", "Commands that wait for a writer", () => [One(_node.Lanes.QueueDepth)]);
        Gauge("stowline_queue_capacity_commands", "Commands that may wait for one writer", () => [One(_node.Lanes.QueueCapacity)]);
        Gauge("stowline_parked_events", "Events that wait for an operator", () => _reading is { } r ? [One(r.Parked)] : []);
        Gauge("stowline_database_up", "1 when the database answered the last time it was asked", () => [One(_isUp ? 1 : 0)]);
        Gauge("stowline_database_bytes", "Size of the database", () => _reading is { } r ? [One(r.DatabaseBytes)] : []);
    }

    private void DefinePumps()
    {
        Counter("stowline_pump_errors", "Failed steps of a pump", () => _node.Pumps.Select(p => One(p.Errors, ("pump", p.Name))));
        Gauge("stowline_pump_failing", "1 while the last step of a pump has failed", () => _node.Pumps.Select(p => One(p.FailingSince is null ? 0 : 1, ("pump", p.Name))));
    }

    private void Gauge(string name, string help, Func<IEnumerable<Measurement<double>>> observe) => _meter.CreateObservableGauge(name, observe, null, help);
    private void Counter(string name, string help, Func<IEnumerable<Measurement<double>>> observe) => _meter.CreateObservableCounter(name, observe, null, help);

    private static Measurement<double> One(double value, params (string Name, string Value)[] labels) =>
        new(value, labels.Select(l => new KeyValuePair<string, object?>(l.Name, l.Value)));

    /// <summary>Reads what only the database knows. Two scrapes at once may both read: that is cheaper than a lock is simple.</summary>
    public async Task RefreshAsync(CancellationToken ct)
    {
        var now = _node.Time.GetTimestamp();
        if (_reading is not null && _node.Time.GetElapsedTime(_read, now) < Fresh) return;
        try
        {
            var size = await _node.Database.SizeAsync(ct);
            _reading = await _node.Database.ReadAsync(async s => new Reading(await LaneReader.LanesAsync(s), await LaneReader.ParkedCountAsync(s), size, await StuckOrders.CountAsync(s),
                await OrderCounts.ReadAsync(s)), ct);
            (_read, _isUp) = (now, true);
        }
        catch (Exception e) when (_node.Database.IsInfrastructure(e))
        {
            _isUp = false; // the rest is still worth telling, most of all now; what was read before stands
        }
    }

    public void Dispose() => _meter.Dispose();
}

/// <summary>The file system that the data is on.</summary>
internal sealed class Disk(string folder)
{
    public long? Free => Drive()?.AvailableFreeSpace;
    public long? Size => Drive()?.TotalSize;

    private DriveInfo? Drive()
    {
        try
        {
            var drive = new DriveInfo(Path.GetFullPath(folder));
            return drive.IsReady ? drive : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null; // a folder that has gone tells nothing
        }
    }
}
