using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Stowline.Server.Telemetry;

/// <summary>The text format of Prometheus, version 0.0.4.</summary>
internal static class Prometheus
{
    public static void Single(StringBuilder text, string name, string type, string help, double value) => Family(text, name, type, help, [("", value)]);

    public static void Family(StringBuilder text, string name, string type, string help, IEnumerable<(string Labels, double Value)> samples)
    {
        Head(text, name, type, help);
        foreach (var (labels, value) in samples) Sample(text, name, labels, value);
    }

    public static void Head(StringBuilder text, string name, string type, string help) =>
        text.Append("# HELP ").Append(name).Append(' ').Append(help.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal))
            .Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');

    public static void Sample(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0) text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    public static string Number(double value) => double.IsPositiveInfinity(value) ? "+Inf" : value.ToString("R", CultureInfo.InvariantCulture);

    public static string Labels(params ReadOnlySpan<(string Name, string? Value)> labels)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in labels)
        {
            if (text.Length > 0) text.Append(',');
            text.Append(Name(name)).Append("=\"");
            foreach (var c in value ?? "") _ = c switch { '\\' => text.Append("\\\\"), '"' => text.Append("\\\""), '\n' => text.Append("\\n"), _ => text.Append(c) };
            text.Append('"');
        }
        return text.ToString();
    }

    /// <summary>Dots and the like are not allowed in names.</summary>
    public static string Name(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c == '_' ? c : '_'));
}

/// <summary>All series of one instrument, by their labels.</summary>
internal sealed class Family(Instrument instrument)
{
    private static readonly double[] SecondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
    private static readonly double[] CountBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Series> _series = new(StringComparer.Ordinal);
    private readonly string _help = instrument.Description is { Length: > 0 } text ? text : instrument.Name;
    private readonly double[]? _buckets = IsA(instrument, typeof(Histogram<>)) ? instrument.Unit == "s" ? SecondsBuckets : CountBuckets : null;
    private readonly bool _isTotal = IsA(instrument, typeof(Counter<>)) || IsA(instrument, typeof(ObservableCounter<>));
    private readonly bool _isAbsolute = instrument.IsObservable || IsA(instrument, typeof(Gauge<>));
    private readonly string _name = Prometheus.Name(instrument.Name);

    private sealed class Series(int buckets)
    {
        public double Sum;
        public long Count;
        public readonly long[] Buckets = new long[buckets];
    }

    private static bool IsA(Instrument instrument, Type type) => instrument.GetType().IsGenericType && instrument.GetType().GetGenericTypeDefinition() == type;

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = LabelsOf(tags);
        lock (_gate)
        {
            if (!_series.TryGetValue(labels, out var series)) _series[labels] = series = new Series(_buckets?.Length ?? 0);
            if (_isAbsolute) { series.Sum = value; return; }
            series.Sum += value;
            series.Count++;
            for (var i = 0; i < series.Buckets.Length; i++)
            {
                if (value > _buckets![i]) continue;
                series.Buckets[i]++;
                break;
            }
        }
    }

    private static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.Length == 0) return "";
        if (tags.Length == 1) return Prometheus.Labels((tags[0].Key, tags[0].Value?.ToString()));
        var labels = new (string, string?)[tags.Length];
        for (var i = 0; i < labels.Length; i++) labels[i] = (tags[i].Key, tags[i].Value?.ToString());
        return Prometheus.Labels(labels);
    }

    public void Write(StringBuilder text)
    {
        var name = _isTotal && !_name.EndsWith("_total", StringComparison.Ordinal) ? _name + "_total" : _name;
        Prometheus.Head(text, name, _buckets is not null ? "histogram" : _isTotal ? "counter" : "gauge", _help);
        lock (_gate)
        {
            foreach (var (labels, series) in _series)
            {
                if (_buckets is null) Prometheus.Sample(text, name, labels, series.Sum);
                else WriteHistogram(text, name, labels, series);
            }
        }
    }

    private void WriteHistogram(StringBuilder text, string name, string labels, Series series)
    {
        var before = labels.Length > 0 ? labels + "," : "";
        long sum = 0;
        for (var i = 0; i < series.Buckets.Length; i++)
            Prometheus.Sample(text, name + "_bucket", $"{before}le=\"{Prometheus.Number(_buckets![i])}\"", sum += series.Buckets[i]);
        Prometheus.Sample(text, name + "_bucket", before + "le=\"+Inf\"", series.Count);
        Prometheus.Sample(text, name + "_sum", labels, series.Sum);
        Prometheus.Sample(text, name + "_count", labels, series.Count);
    }
}
