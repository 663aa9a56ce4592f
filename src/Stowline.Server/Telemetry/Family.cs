using System.Diagnostics.Metrics;
using System.Text;

namespace Stowline.Server.Telemetry;

/// <summary>
/// All series of one instrument, by their tags. Finding a series makes no garbage: requests are measured here. Their number is bounded; what
/// comes beyond it is counted together under <c>overflow="true"</c>.
/// </summary>
internal sealed class Family(Instrument instrument)
{
    private const int MostSeries = 2_000;
    private static readonly double[] Otherwise = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly Lock _gate = new();
    private readonly Dictionary<int, List<Series>> _series = [];
    private readonly string _help = instrument.Description is { Length: > 0 } text ? text : instrument.Name;
    private readonly double[]? _buckets = IsA(instrument, typeof(Histogram<>)) ? Boundaries(instrument) : null;
    private readonly bool _isTotal = IsA(instrument, typeof(Counter<>)) || IsA(instrument, typeof(ObservableCounter<>));
    private readonly bool _isAbsolute = instrument.IsObservable || IsA(instrument, typeof(Gauge<>));
    private readonly string _name = Prometheus.Name(instrument.Name);
    private int _count;

    private sealed class Series(KeyValuePair<string, object?>[] tags, int buckets)
    {
        public readonly KeyValuePair<string, object?>[] Tags = tags;
        public readonly string Labels = Prometheus.Labels(tags);
        public readonly long[] Buckets = new long[buckets];
        public double Sum;
        public long Count;

        public bool Is(ReadOnlySpan<KeyValuePair<string, object?>> other)
        {
            if (other.Length != Tags.Length) return false;
            for (var i = 0; i < other.Length; i++)
                if (other[i].Key != Tags[i].Key || !Equals(other[i].Value, Tags[i].Value)) return false;
            return true;
        }
    }

    private static bool IsA(Instrument instrument, Type type) => instrument.GetType().IsGenericType && instrument.GetType().GetGenericTypeDefinition() == type;

    /// <summary>As the instrument itself advises, so that they are said in one place for this format and for OTLP.</summary>
    private static double[] Boundaries(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { } own } => [.. own],
        Histogram<int> { Advice.HistogramBucketBoundaries: { } own } => [.. own.Select(b => (double)b)],
        Histogram<long> { Advice.HistogramBucketBoundaries: { } own } => [.. own.Select(b => (double)b)],
        _ => Otherwise,
    };

    /// <summary>What is observed is told anew each time, and what is not told again is gone.</summary>
    public void BeginObserving()
    {
        if (!instrument.IsObservable) return;
        lock (_gate)
        {
            _series.Clear();
            _count = 0;
        }
    }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (_gate)
        {
            var series = Find(tags);
            if (_isAbsolute) { series.Sum = value; return; }
            series.Sum += value;
            series.Count++;
            if (_buckets is null) return;
            for (var i = 0; i < _buckets.Length; i++)
            {
                if (value > _buckets[i]) continue;
                series.Buckets[i]++;
                break;
            }
        }
    }

    private Series Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var hash = 0;
        foreach (var tag in tags) hash = HashCode.Combine(hash, tag.Value);
        if (_series.TryGetValue(hash, out var bucket))
        {
            foreach (var known in bucket)
                if (known.Is(tags)) return known;
        }
        if (_count >= MostSeries && tags is not [{ Key: "overflow" }]) return Find([new("overflow", "true")]);
        var series = new Series(tags.ToArray(), _buckets?.Length ?? 0);
        if (bucket is null) _series[hash] = [series];
        else bucket.Add(series);
        _count++;
        return series;
    }

    public void Write(StringBuilder text)
    {
        var name = _isTotal && !_name.EndsWith("_total", StringComparison.Ordinal) ? _name + "_total" : _name;
        Prometheus.Head(text, name, _buckets is not null ? "histogram" : _isTotal ? "counter" : "gauge", _help);
        lock (_gate)
        {
            foreach (var series in _series.Values.SelectMany(s => s))
            {
                if (_buckets is null) Prometheus.Sample(text, name, series.Labels, series.Sum);
                else WriteHistogram(text, name, series);
            }
        }
    }

    private void WriteHistogram(StringBuilder text, string name, Series series)
    {
        var before = series.Labels.Length > 0 ? series.Labels + "," : "";
        long sum = 0;
        for (var i = 0; i < series.Buckets.Length; i++)
            Prometheus.Sample(text, name + "_bucket", $"{before}le=\"{Prometheus.Number(_buckets![i])}\"", sum += series.Buckets[i]);
        Prometheus.Sample(text, name + "_bucket", before + "le=\"+Inf\"", series.Count);
        Prometheus.Sample(text, name + "_sum", series.Labels, series.Sum);
        Prometheus.Sample(text, name + "_count", series.Labels, series.Count);
    }
}
