using System.Diagnostics.Metrics;
using Stowline.Log;

namespace Stowline.Adapters.Brokers;

/// <summary>
/// Tells how long the queues of a broker are: dead letters, retries, what goes out and who has yet to read it (H4). The same for every broker. Of several processes on one database the one on duty asks. It fails while
/// the broker is away, so that this is known also while nothing goes out.
/// </summary>
public sealed class QueueWatch : Pump, IAsyncDisposable
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(10);
    private readonly Node _node;
    private readonly IBrokerQueues _broker;
    private readonly Meter _meter;
    private readonly Rest _rest;
    private volatile IReadOnlyList<BrokerQueue> _queues = [];

    public QueueWatch(Node node, IBrokerQueues broker)
    {
        (_node, _broker, _rest) = (node, broker, new Rest(node.Time));
        _meter = new Meter(new MeterOptions("Stowline.Queues") { Scope = node.Lanes });
        _meter.CreateObservableGauge("stowline_broker_queue_messages", () => Queues.Where(q => q.Messages is not null).Select(q => Measure(q.Messages!.Value, q, ("kind", SnakeCase(q.Kind)))),
            description: "Messages in a queue of a broker");
        Groups("stowline_broker_group_lag_messages", null, "Messages that a group of consumers has not been given yet", g => g.Lag);
        Groups("stowline_broker_group_unacknowledged_messages", null, "Messages that a group of consumers was given and has not acknowledged", g => g.Unacknowledged);
        Groups("stowline_broker_group_age_seconds", "s", "Age of the oldest message that a group of consumers was not given or has not acknowledged", g => g.AgeSeconds);
    }

    public override string Name => _broker.Broker + " queues";
    public override TimeSpan Idle => TimeSpan.FromSeconds(5);

    /// <summary>Which broker it asks.</summary>
    public string Broker => _broker.Broker;

    /// <summary>As they stood when the broker was last asked; none while it does not answer or another process asks.</summary>
    public IReadOnlyList<BrokerQueue> Queues => _queues;

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (!_node.Lanes.Duty.IsOurs)
        {
            _queues = [];
            return false;
        }
        if (!_rest.IsOver) return false;
        try
        {
            _queues = await _broker.LookAsync(ct);
        }
        catch
        {
            _queues = []; // what was so is not known to be so any more
            throw;
        }
        _rest.For(Between);
        return false;
    }

    private void Groups(string name, string? unit, string help, Func<QueueGroup, double?> value) => _meter.CreateObservableGauge(name, () => Queues.SelectMany(q =>
        q.Groups.Where(g => value(g) is not null).Select(g => Measure(value(g)!.Value, q, ("group", g.Name)))), unit, help);

    private Measurement<T> Measure<T>(T value, BrokerQueue queue, (string Name, string Value) more) where T : struct =>
        new(value, new("broker", _broker.Broker), new("queue", queue.Name), new KeyValuePair<string, object?>(more.Name, more.Value));

    private static string SnakeCase(QueueKind kind) => Contracts.SnakeCaseEnum<QueueKind>.Text(kind);

    public async ValueTask DisposeAsync()
    {
        _meter.Dispose();
        await _broker.DisposeAsync();
    }
}
