using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using Stowline.Log;

namespace Stowline.Server.Telemetry;

/// <summary>
/// <c>GET /metrics</c>: every instrument of the <c>Stowline.*</c> meters, the node's state, and the basics of the process, as Prometheus
/// reads them. A listener of our own, because the exporter package is not to be had everywhere; it is small.
/// </summary>
public sealed class MetricsText : IDisposable
{
    private readonly Node _node;
    private readonly MeterListener _listener;
    private readonly Meter _meter = new("Stowline.Http");
    private readonly Histogram<double> _requests;
    private readonly SortedDictionary<string, Family> _families = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    public MetricsText(Node node)
    {
        _node = node;
        _listener = new MeterListener { InstrumentPublished = Publish };
        _listener.SetMeasurementEventCallback<double>((_, value, tags, state) => ((Family)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<long>((_, value, tags, state) => ((Family)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<int>((_, value, tags, state) => ((Family)state!).Record(value, tags));
        _listener.Start();
        _requests = _meter.CreateHistogram<double>("stowline_http_request_seconds", "s", "Duration of a request by the class of its status");
    }

    public void Request(int status, TimeSpan elapsed) => _requests.Record(elapsed.TotalSeconds, new KeyValuePair<string, object?>("status", StatusClass(status)));

    private static string StatusClass(int status) => status switch { < 300 => "2xx", < 400 => "3xx", < 500 => "4xx", _ => "5xx" };

    private void Publish(Instrument instrument, MeterListener listener)
    {
        if (!instrument.Meter.Name.StartsWith("Stowline.", StringComparison.Ordinal)) return;
        lock (_gate)
        {
            if (!_families.TryGetValue(instrument.Name, out var family)) _families[instrument.Name] = family = new Family(instrument);
            listener.EnableMeasurementEvents(instrument, family);
        }
    }

    public async Task<byte[]> WriteAsync(CancellationToken ct)
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        lock (_gate)
        {
            foreach (var family in _families.Values) family.Write(text);
        }
        await WriteNodeAsync(text, ct);
        WriteProcess(text);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private async Task WriteNodeAsync(StringBuilder text, CancellationToken ct)
    {
        var lanes = await _node.Database.ReadAsync(async s => await LaneReader.LanesAsync(s), ct);
        var parked = await _node.Database.ReadAsync(async s => await LaneReader.ParkedCountAsync(s), ct);
        Prometheus.Family(text, "stowline_lane_events_total", "counter", "Events in a lane", lanes.Select(l => (Prometheus.Labels(("lane", l.Name)), (double)l.Head)));
        Prometheus.Family(text, "stowline_consumer_lag_events", "gauge", "Events that a consumer has yet to see",
            _node.Lanes.Progress.Select(p => (Prometheus.Labels(("consumer", p.Consumer), ("lane", p.Lane.Name)), (double)p.Lag)));
        Prometheus.Family(text, "stowline_pump_errors_total", "counter", "Failed steps of a pump", _node.Pumps.Select(p => (Prometheus.Labels(("pump", p.Name)), (double)p.Errors)));
        Prometheus.Single(text, "stowline_queue_commands", "gauge", "Commands that wait for a writer", _node.Lanes.QueueDepth);
        Prometheus.Single(text, "stowline_parked_events", "gauge", "Events that wait for an operator", parked);
        Prometheus.Single(text, "stowline_database_bytes", "gauge", "Size of the database", await _node.Database.SizeAsync(ct));
    }

    private static void WriteProcess(StringBuilder text)
    {
        using var process = Process.GetCurrentProcess();
        Prometheus.Single(text, "process_cpu_seconds_total", "counter", "Processor time used", process.TotalProcessorTime.TotalSeconds);
        Prometheus.Single(text, "process_resident_memory_bytes", "gauge", "Resident memory", process.WorkingSet64);
        Prometheus.Single(text, "process_start_time_seconds", "gauge", "Start since the epoch", new DateTimeOffset(process.StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1000.0);
        Prometheus.Single(text, "dotnet_gc_heap_bytes", "gauge", "Managed heap", GC.GetTotalMemory(forceFullCollection: false));
        Prometheus.Single(text, "dotnet_gc_allocated_bytes_total", "counter", "Bytes allocated since the start", GC.GetTotalAllocatedBytes());
        Prometheus.Family(text, "dotnet_gc_collections_total", "counter", "Collections by generation",
            Enumerable.Range(0, 3).Select(g => (Prometheus.Labels(("generation", g.ToString(CultureInfo.InvariantCulture))), (double)GC.CollectionCount(g))));
        Prometheus.Single(text, "dotnet_threadpool_threads", "gauge", "Threads of the pool", ThreadPool.ThreadCount);
        Prometheus.Single(text, "dotnet_threadpool_queued", "gauge", "Work items that wait for a thread", ThreadPool.PendingWorkItemCount);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _meter.Dispose();
    }
}
