namespace Stowline.Server.Telemetry;

/// <summary>All that watches a node from outside: metrics, traces, the log of orders, and where they are sent. One per server.</summary>
internal sealed class NodeTelemetry : IDisposable
{
    private readonly Otlp? _otlp;
    private readonly OrderTraces _traces;
    private readonly OrderLog _log;

    public NodeTelemetry(Node node, Configuration configuration, Disk disk, Func<int> liveClients, ILoggerFactory logs)
    {
        _otlp = Otlp.Start(configuration);
        Metrics = new NodeMetrics(node, disk, liveClients, Configuration.Version);
        Text = new MetricsText(Metrics, node.Lanes);
        _traces = new OrderTraces(node);
        _log = new OrderLog(node.Lanes, logs.CreateLogger("Stowline.Orders"));
        node.Add(_traces);
        if (_otlp is not null) node.Add(Metrics);
    }

    public NodeMetrics Metrics { get; }
    public MetricsText Text { get; }

    public void Dispose()
    {
        _traces.Dispose();
        _log.Dispose();
        _otlp?.Dispose();
        Text.Dispose();
        Metrics.Dispose();
    }
}
