using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Stowline.Server.Telemetry;

/// <summary>
/// <c>GET /metrics</c>: every instrument of the node's meters and the basics of the process, as Prometheus reads them. A listener of our own,
/// because the exporter package is not to be had everywhere; it is small. OTLP gets the same instruments.
/// </summary>
public sealed class MetricsText : IDisposable
{
    private readonly NodeMetrics _metrics;
    private readonly object _scope;
    private readonly MeterListener _listener;
    private readonly SortedDictionary<string, Family> _families = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _one = new(1);

    internal MetricsText(NodeMetrics metrics, object scope)
    {
        (_metrics, _scope) = (metrics, scope);
        _listener = new MeterListener { InstrumentPublished = Publish };
        _listener.SetMeasurementEventCallback<double>((_, value, tags, state) => ((Family)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<long>((_, value, tags, state) => ((Family)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<int>((_, value, tags, state) => ((Family)state!).Record(value, tags));
        _listener.Start();
    }

    private void Publish(Instrument instrument, MeterListener listener)
    {
        if (!instrument.Meter.Name.StartsWith("Stowline.", StringComparison.Ordinal) || !ReferenceEquals(instrument.Meter.Scope, _scope)) return;
        lock (_gate)
        {
            if (!_families.TryGetValue(instrument.Name, out var family)) _families[instrument.Name] = family = new Family(instrument);
            listener.EnableMeasurementEvents(instrument, family);
        }
    }

    public async Task<byte[]> WriteAsync(CancellationToken ct)
    {
        await _metrics.RefreshAsync(ct);
        var text = new StringBuilder(64 * 1024);
        // One at a time: what is observed is forgotten and told anew.
        await _one.WaitAsync(ct);
        try
        {
            Family[] families;
            lock (_gate) families = [.. _families.Values];
            foreach (var family in families) family.BeginObserving();
            _listener.RecordObservableInstruments();
            foreach (var family in families) family.Write(text);
        }
        finally
        {
            _one.Release();
        }
        WriteProcess(text);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>Under the names that every Prometheus client uses. OTLP has them from the runtime's own meter.</summary>
    private static void WriteProcess(StringBuilder text)
    {
        using var process = Process.GetCurrentProcess();
        Prometheus.Single(text, "process_cpu_seconds_total", "counter", "Processor time used", process.TotalProcessorTime.TotalSeconds);
        Prometheus.Single(text, "process_resident_memory_bytes", "gauge", "Resident memory", process.WorkingSet64);
        Prometheus.Single(text, "process_start_time_seconds", "gauge", "Start since the epoch", new DateTimeOffset(process.StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1000.0);
        Prometheus.Single(text, "dotnet_gc_heap_bytes", "gauge", "Managed heap", GC.GetTotalMemory(forceFullCollection: false));
        Prometheus.Single(text, "dotnet_gc_allocated_bytes_total", "counter", "Bytes allocated since the start", GC.GetTotalAllocatedBytes());
        Prometheus.Family(text, "dotnet_gc_collections_total", "counter", "Collections by generation",
            Enumerable.Range(0, 3).Select(g => (Prometheus.Labels(new KeyValuePair<string, object?>("generation", g.ToString(CultureInfo.InvariantCulture))), (double)GC.CollectionCount(g))));
        Prometheus.Single(text, "dotnet_threadpool_threads", "gauge", "Threads of the pool", ThreadPool.ThreadCount);
        Prometheus.Single(text, "dotnet_threadpool_queued", "gauge", "Work items that wait for a thread", ThreadPool.PendingWorkItemCount);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _one.Dispose();
    }
}
