using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Stowline.Log;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// How picking and packing go, by the names of sources/2 §12.1 (F12). What this process has done itself; Prometheus adds the processes up.
/// Rates are over the last hour.
/// </summary>
internal sealed class FulfillmentMetrics : INodeMetrics<FulfillmentMetrics>
{
    /// <summary>Workers come and go; a name that nobody heard for an hour is forgotten, and no more than these are kept.</summary>
    private const int MostWorkers = 500;
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly InstrumentAdvice<double> Stages = NodeMeter.Buckets<double>(15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400);

    private readonly TimeProvider _time;
    private readonly Histogram<double> _picking;
    private readonly Histogram<double> _waiting;
    private readonly Histogram<double> _packing;
    private readonly Counter<long> _items;
    private readonly ConcurrentDictionary<(string Site, string Worker), SlidingSum> _workers = new();
    private readonly ConcurrentDictionary<string, SlidingSum> _shortages = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SlidingSum> _packed = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SlidingSum> _weights = new(StringComparer.Ordinal);

    private FulfillmentMetrics(Meter meter, TimeProvider time)
    {
        _time = time;
        _picking = meter.CreateHistogram("picking_task_duration_seconds", "s", "From the making of a picking task to its completion", null, Stages);
        _waiting = meter.CreateHistogram("stowline_picking_wait_seconds", "s", "From the making of a picking task to its start", null, Stages);
        _packing = meter.CreateHistogram("packing_task_duration_seconds", "s", "From the making of a packing task to its completion", null, Stages);
        _items = meter.CreateCounter<long>("stowline_picking_items", null, "Items of completed picking tasks, by whether all units were found");
        meter.CreateObservableGauge("picking_items_per_hour", ItemsPerHour, null, "Items a worker picks per hour of work, over the tasks completed in the last hour");
        meter.CreateObservableGauge("picking_shortage_rate", () => Share(_shortages), null, "Share (0 to 1) of items that were short, over the tasks completed in the last hour");
        meter.CreateObservableGauge("packing_tasks_per_hour", () => Amount(_packed), null, "Packing tasks completed in the last hour");
        meter.CreateObservableGauge("average_package_weight", () => Share(_weights), null, "Mean weight in grams of the packages added in the last hour");
    }

    public static FulfillmentMetrics Create(Meter meter, TimeProvider time) => new(meter, time);

    public void Picked(PickingRow task, IReadOnlyList<PickingItemRow> items, DateTimeOffset now)
    {
        var site = Site(task.Site);
        var shorts = items.Count(i => i.QuantityPicked < i.QuantityRequired);
        _picking.Record((now - task.CreatedAt).TotalSeconds, site);
        if (task.StartedAt is { } started)
        {
            _waiting.Record((started - task.CreatedAt).TotalSeconds, site);
            if (task.Worker is { } worker && (_workers.Count < MostWorkers || _workers.ContainsKey((task.Site, worker))))
                _workers.GetOrAdd((task.Site, worker), _ => new SlidingSum(Hour)).Add(now, items.Count(i => i.QuantityPicked > 0), (now - started).TotalHours);
        }
        _items.Add(items.Count - shorts, site, new KeyValuePair<string, object?>("result", "picked"));
        _items.Add(shorts, site, new KeyValuePair<string, object?>("result", "short"));
        Sum(_shortages, task.Site).Add(now, shorts, items.Count);
    }

    public void Packed(PackingRow task, DateTimeOffset now)
    {
        _packing.Record((now - task.CreatedAt).TotalSeconds, Site(task.Site));
        Sum(_packed, task.Site).Add(now, 1);
    }

    public void PackageAdded(string site, int weightG, DateTimeOffset now) => Sum(_weights, site).Add(now, weightG);

    private static KeyValuePair<string, object?> Site(string site) => new("site", site);
    private static SlidingSum Sum(ConcurrentDictionary<string, SlidingSum> sums, string site) => sums.GetOrAdd(site, _ => new SlidingSum(Hour));

    private List<Measurement<double>> Share(ConcurrentDictionary<string, SlidingSum> sums) => Read(sums, s => s.Amount / s.Weight);
    private List<Measurement<double>> Amount(ConcurrentDictionary<string, SlidingSum> sums) => Read(sums, s => s.Amount);

    /// <summary>Where nothing happened for an hour there is nothing to tell: no sample says so better than a zero.</summary>
    private List<Measurement<double>> Read(ConcurrentDictionary<string, SlidingSum> sums, Func<(double Amount, double Weight), double> value)
    {
        var now = _time.GetUtcNow();
        var read = new List<Measurement<double>>();
        foreach (var (site, sum) in sums)
            if (sum.Read(now) is { Weight: > 0 } s) read.Add(new Measurement<double>(value(s), Site(site)));
        return read;
    }

    private List<Measurement<double>> ItemsPerHour()
    {
        var now = _time.GetUtcNow();
        var read = new List<Measurement<double>>();
        foreach (var (key, sum) in _workers)
        {
            if (sum.Read(now) is { Weight: > 0 } s) read.Add(new Measurement<double>(s.Amount / s.Weight, Site(key.Site), new KeyValuePair<string, object?>("worker", key.Worker)));
            else _workers.TryRemove(key, out _);
        }
        return read;
    }
}
