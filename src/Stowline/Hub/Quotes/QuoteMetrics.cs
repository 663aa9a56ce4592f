using System.Diagnostics.Metrics;
using Stowline.Log;

namespace Stowline.Hub.Quotes;

/// <summary>How quotes go: what this process has done itself.</summary>
internal sealed class QuoteMetrics : INodeMetrics<QuoteMetrics>
{
    private readonly Counter<long> _requested;
    private readonly Histogram<double> _duration;

    private QuoteMetrics(Meter meter)
    {
        _requested = meter.CreateCounter<long>("stowline_quotes_requested", null, "Quotes asked for");
        _duration = meter.CreateHistogram("stowline_quote_duration_seconds", "s", "From the asking for a quote to its end, by result", null,
            NodeMeter.Buckets<double>(1, 5, 15, 60, 120, 300, 600, 1_800, 3_600, 14_400));
    }

    public static QuoteMetrics Create(Meter meter, TimeProvider time) => new(meter);

    public void Requested() => _requested.Add(1);
    public void Finished(string result, TimeSpan duration) => _duration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("result", result));
}
