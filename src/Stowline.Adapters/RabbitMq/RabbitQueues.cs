using Stowline.Adapters.Brokers;

namespace Stowline.Adapters.RabbitMq;

/// <summary>The queues that Stowline makes at RabbitMQ, as far as they are there: asking makes none.</summary>
public sealed class RabbitQueues(RabbitSettings settings, TimeProvider time) : IBrokerQueues
{
    private RabbitLink? _link;

    public string Broker => "rabbitmq";

    private IEnumerable<(string Queue, QueueKind Kind)> Ours =>
    [
        .. settings.Queue is { } events ? [(events, QueueKind.Out), (RabbitSettings.Dead(events), QueueKind.Dead)] : Array.Empty<(string, QueueKind)>(),
        .. settings.Intake is { } orders
            ? [(orders, QueueKind.In), .. settings.Retries(orders).Select(q => (q, QueueKind.Retry)), (RabbitSettings.Dead(orders), QueueKind.Dead)] : Array.Empty<(string, QueueKind)>(),
    ];

    public async Task<IReadOnlyList<BrokerQueue>> LookAsync(CancellationToken ct)
    {
        var link = _link ??= await RabbitLink.OpenAsync(settings, time, ct);
        try
        {
            var found = new List<BrokerQueue>();
            foreach (var (queue, kind) in Ours)
                if (await link.CountAsync(queue, ct) is { } messages) found.Add(new BrokerQueue(queue, kind, messages, []));
            return found;
        }
        catch
        {
            await CloseAsync();
            throw;
        }
    }

    private async Task CloseAsync()
    {
        if (Interlocked.Exchange(ref _link, null) is { } link) await link.DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await CloseAsync();
}
