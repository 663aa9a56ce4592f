using Stowline.Adapters.Brokers;

namespace Stowline.Tests.Brokers;

/// <summary>Stands for a broker that takes nothing, gives nothing and says how much waits in it.</summary>
internal sealed class BrokerDouble(string name) : IBrokerOut, IBrokerIn, IBrokerQueues
{
    public string Name => name;
    public string Broker => name;
    public string? Trouble => null;

    /// <summary>What it says of its queues; null: it does not answer.</summary>
    public IReadOnlyList<BrokerQueue>? Queues { get; set; } = [new("q", QueueKind.Out, 5, [new QueueGroup("g", 4, 1, 9)]), new("q.dead", QueueKind.Dead, 2, [])];

    public IOutgoingBatch Begin() => new CollectedBatch((_, _) => throw new IOException("away"));
    public Task<IReadOnlyList<IncomingMessage>> ReceiveAsync(int most, CancellationToken ct) => Task.FromResult<IReadOnlyList<IncomingMessage>>([]);
    public Task AcknowledgeAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct) => Task.CompletedTask;
    public Task RewindAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct) => Task.CompletedTask;
    public Task<QueueState?> StateAsync(CancellationToken ct) => Task.FromResult<QueueState?>(new QueueState(3, 1, TimeSpan.FromSeconds(7)));
    public Task<IReadOnlyList<BrokerQueue>> LookAsync(CancellationToken ct) => Queues is { } told ? Task.FromResult(told) : throw new IOException("away");
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
