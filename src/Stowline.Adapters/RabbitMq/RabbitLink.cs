using RabbitMQ.Client;

namespace Stowline.Adapters.RabbitMq;

/// <summary>
/// One connection with one channel. When either is lost both are thrown away and opened again, which the pump's back-off paces: the client's own recovery would
/// send again, on its own account, what we try again ourselves.
/// </summary>
internal sealed class RabbitLink(IConnection connection, IChannel channel, TimeProvider time) : IAsyncDisposable
{
    public IChannel Channel => channel;
    public bool IsOpen => connection.IsOpen && channel.IsOpen;

    public static async Task<RabbitLink> OpenAsync(RabbitSettings settings, TimeProvider time, CancellationToken ct)
    {
        var factory = new ConnectionFactory
        {
            Uri = settings.Server, AutomaticRecoveryEnabled = false, TopologyRecoveryEnabled = false, RequestedHeartbeat = TimeSpan.FromSeconds(10), ClientProvidedName = "stowline",
            ContinuationTimeout = TimeSpan.FromSeconds(10), RequestedConnectionTimeout = TimeSpan.FromSeconds(5),
        };
        AmqpTcpEndpoint[] nodes = [new(settings.Server), .. settings.Others.Select(o => new AmqpTcpEndpoint(o.Host, o.Port, new SslOption(o.Host, enabled: settings.Server.Scheme == "amqps")))];
        var connection = await factory.CreateConnectionAsync(nodes, ct);
        try
        {
            return new RabbitLink(connection, await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), ct), time);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// A quorum queue whose dead letters are not lost on their way (at-least-once needs reject-publish): to an exchange, or by the default exchange to a queue.
    /// </summary>
    public Task DeclareQueueAsync(string name, string deadExchange, string? deadKey, bool singleConsumer, CancellationToken ct)
    {
        var arguments = new Dictionary<string, object?>
        {
            ["x-queue-type"] = "quorum", ["x-overflow"] = "reject-publish", ["x-dead-letter-strategy"] = "at-least-once", ["x-dead-letter-exchange"] = deadExchange,
        };
        if (deadKey is not null) arguments["x-dead-letter-routing-key"] = deadKey;
        if (singleConsumer) arguments["x-single-active-consumer"] = true;
        return channel.QueueDeclareAsync(name, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: ct);
    }

    /// <summary>Where dead letters of a queue go: an exchange of that name and a queue bound to it.</summary>
    public async Task DeclareDeadAsync(string name, CancellationToken ct)
    {
        await channel.ExchangeDeclareAsync(name, ExchangeType.Fanout, durable: true, cancellationToken: ct);
        await channel.QueueDeclareAsync(name, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }, cancellationToken: ct);
        await channel.QueueBindAsync(name, name, "", cancellationToken: ct);
    }

    /// <summary>Waits for what was published, and not longer than the connection lives: confirmations of a lost one never come.</summary>
    public async Task ConfirmedAsync(Task published, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                await published.WaitAsync(TimeSpan.FromSeconds(1), time, ct);
                return;
            }
            catch (TimeoutException) when (!published.IsCompleted)
            {
                if (!IsOpen) throw new InvalidOperationException("the connection to RabbitMQ was lost before everything was confirmed");
            }
        }
    }

    /// <summary>Says good-bye, but not for long: a broker that has died does not answer.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await CloseAsync().WaitAsync(TimeSpan.FromSeconds(3), time);
        }
        catch (Exception e) when (e is TimeoutException or RabbitMQ.Client.Exceptions.RabbitMQClientException or IOException or ObjectDisposedException)
        {
            // it is of no use any more, whatever the other side thinks of it
        }
    }

    private async Task CloseAsync()
    {
        await connection.CloseAsync(200, "done", TimeSpan.FromSeconds(2), abort: true);
        await channel.DisposeAsync();
        await connection.DisposeAsync();
    }
}
