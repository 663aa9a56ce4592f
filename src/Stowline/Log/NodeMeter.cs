using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Stowline.Log;

/// <summary>The instruments of one module, made once per node by <see cref="NodeMeter.Get{T}"/>.</summary>
public interface INodeMetrics<TSelf> where TSelf : class
{
    static abstract TSelf Create(Meter meter, TimeProvider time);
}

/// <summary>
/// The meter of one node and the instruments that its modules keep in it. Its scope is the node's <see cref="Lanes"/>, so that whoever
/// listens in a process with several nodes (a test) can tell them apart. Nothing that is only said, not kept: without a listener a
/// measurement costs a look at an empty list.
/// </summary>
public sealed class NodeMeter : IDisposable
{
    public const string Name = "Stowline.Node";

    private readonly TimeProvider _time;
    private readonly Meter _meter;
    private readonly ConcurrentDictionary<Type, Lazy<object>> _metrics = new();

    internal NodeMeter(object scope, TimeProvider time)
    {
        _time = time;
        _meter = new Meter(new MeterOptions(Name) { Scope = scope });
    }

    public T Get<T>() where T : class, INodeMetrics<T> =>
        (T)_metrics.GetOrAdd(typeof(T), static (_, self) => new Lazy<object>(() => T.Create(self._meter, self._time)), this).Value;

    /// <summary>A histogram with buckets of its own: they are said once, here, for the text format as well as for OTLP.</summary>
    public static InstrumentAdvice<T> Buckets<T>(params T[] boundaries) where T : struct => new() { HistogramBucketBoundaries = boundaries };

    public void Dispose() => _meter.Dispose();
}

/// <summary>Sums over the last stretch of time, in sixty steps: for the metrics that are rates by their definition (F12).</summary>
public sealed class SlidingSum(TimeSpan length)
{
    private const int Steps = 60;
    private readonly long _step = length.Ticks / Steps;
    private readonly (long Step, double Amount, double Weight)[] _buckets = new (long, double, double)[Steps];
    private readonly Lock _gate = new();

    public void Add(DateTimeOffset at, double amount, double weight = 1)
    {
        var step = at.UtcTicks / _step;
        lock (_gate)
        {
            ref var bucket = ref _buckets[step % Steps];
            if (bucket.Step != step) bucket = (step, 0, 0);
            bucket.Amount += amount;
            bucket.Weight += weight;
        }
    }

    public (double Amount, double Weight) Read(DateTimeOffset now)
    {
        var step = now.UtcTicks / _step;
        double amount = 0, weight = 0;
        lock (_gate)
        {
            foreach (var bucket in _buckets)
            {
                if (bucket.Step <= step - Steps || bucket.Step > step) continue;
                amount += bucket.Amount;
                weight += bucket.Weight;
            }
        }
        return (amount, weight);
    }
}
