namespace Stowline.Bench;

/// <summary>What to measure. See bench/README.md for what each benchmark means.</summary>
/// <param name="Name"><c>accept</c>, <c>flow</c>, <c>ledger</c>, <c>live</c>, <c>kitchen</c>, <c>slots</c>, <c>relay</c>, <c>link</c>, <c>floor</c>, <c>fill</c> or <c>pages</c>.</param>
/// <param name="Store"><c>sqlite</c> or <c>postgres</c>.</param>
/// <param name="Postgres">Where databases may be made for the run; needed for <c>postgres</c>.</param>
/// <param name="Clients">Callers that each wait for their answer before the next call.</param>
/// <param name="Hot">0: orders spread over 1,000 SKUs; else all orders ask for this many SKUs.</param>
/// <param name="Orders">How many orders (or movements, or events behind) to run, warm-up apart. 0: a default that takes some seconds.</param>
/// <param name="Seconds">Run for so long instead of a number of orders; 0: by number.</param>
/// <param name="Grpc">Orders over gRPC instead of JSON over HTTP/1.1.</param>
/// <param name="Data">The folder of the node that <c>fill</c> and <c>pages</c> work on.</param>
/// <param name="Rate">Orders per second for <c>live</c> (0: 500) and <c>kitchen</c> (0: 800), events per second for <c>link</c> (0: 500).</param>
/// <param name="Mix"><c>live</c>: the clients follow different topics instead of all the same.</param>
/// <param name="Executable">The server to start for runs over HTTP.</param>
public sealed record BenchOptions(
    string Name, string Store, string? Postgres, int Clients, bool InProcess, int Hot, int Orders, int Seconds, string Executable, string Scratch, string Data,
    int Rate = 0, bool Mix = false, bool Grpc = false)
{
    /// <summary>The settings of these names, for <c>relay</c>; empty: that broker is left out.</summary>
    public string Kafka { get; init; } = "";
    public string Rabbitmq { get; init; } = "";
    public string Redis { get; init; } = "";
}

/// <summary>Numbers of one run, as they are printed. The contract's fields are in every report, null where they mean nothing for what was measured.</summary>
public sealed class BenchReport
{
    private readonly Dictionary<string, object?> _fields = new(StringComparer.Ordinal)
    {
        ["name"] = null, ["store"] = null, ["clients"] = null, ["orders_per_s"] = null, ["p50_ms"] = null, ["p95_ms"] = null, ["p99_ms"] = null,
        ["cpu_ms_per_order"] = null, ["floor_ratio"] = null,
    };

    public object? this[string name]
    {
        get => _fields.GetValueOrDefault(name);
        set => _fields[name] = value;
    }

    public IReadOnlyDictionary<string, object?> Fields => _fields;

    /// <summary>Percentiles of latencies in milliseconds, rounded to a hundredth.</summary>
    public void Latencies(List<double> milliseconds)
    {
        milliseconds.Sort();
        double At(double quantile) => milliseconds.Count == 0 ? 0 : Math.Round(milliseconds[Math.Min(milliseconds.Count - 1, (int)(quantile * milliseconds.Count))], 2);
        this["p50_ms"] = At(0.50);
        this["p95_ms"] = At(0.95);
        this["p99_ms"] = At(0.99);
        this["max_ms"] = At(1);
    }
}
