using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Stowline.Log;

namespace Stowline.Adapters.RabbitMq;

/// <summary>
/// One connection with one channel. When either is lost both are thrown away and opened again, which the pump's back-off paces: the client's own recovery would
/// send again, on its own account, what we try again ourselves.
/// </summary>
internal sealed class RabbitLink(IConnection connection, IChannel channel, TimeProvider time) : IAsyncDisposable
{
    /// <summary>
    /// A quorum queue's registration is written by the broker a few seconds after it was declared (Ra keeps it in a DETS table with a write cache of 3 s, saved after
    /// 0.5 s). A node that is killed before comes back with an empty queue under the same name that never elects a leader, and what it had confirmed is lost. So a
    /// new queue gets nothing from us before that time is over.
    /// </summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(5);

    private bool _hasNewQueue;

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

    /// <summary>After the queues are declared and before anything is put into them: see <see cref="Settling"/>. At once where they were there before.</summary>
    public async Task SettleAsync(CancellationToken ct)
    {
        if (!_hasNewQueue) return;
        await new Signal().WaitAsync(Settling, time, ct);
        _hasNewQueue = false;
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
        return DeclareAsync(name, arguments, ct);
    }

    private async Task DeclareAsync(string name, Dictionary<string, object?> arguments, CancellationToken ct)
    {
        _hasNewQueue |= await CountAsync(name, ct) is null;
        await ToldAsync(() => channel.QueueDeclareAsync(name, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: ct));
    }

    /// <summary>A durable exchange.</summary>
    public Task DeclareExchangeAsync(string name, string type, CancellationToken ct) => ToldAsync(async () =>
    {
        await channel.ExchangeDeclareAsync(name, type, durable: true, cancellationToken: ct);
        return true;
    });

    /// <summary>How many messages of a queue nobody has been given yet; null when there is no such queue. Asks on a channel of its own: the broker closes the one on which it says no.</summary>
    public Task<long?> CountAsync(string queue, CancellationToken ct) => ToldAsync(async () =>
    {
        await using var asking = await connection.CreateChannelAsync(cancellationToken: ct);
        try
        {
            return (long?)(await asking.QueueDeclarePassiveAsync(queue, ct)).MessageCount;
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            return null;
        }
    });

    /// <exception cref="InvalidOperationException">The broker will never do it; the message says why, and what to do.</exception>
    private static async Task<T> ToldAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (OperationInterruptedException e) when (RabbitRefusal.Explain(e.ShutdownReason) is { } why)
        {
            throw new InvalidOperationException(why, e);
        }
    }

    /// <summary>Where dead letters of a queue go: an exchange of that name and a queue bound to it.</summary>
    public async Task DeclareDeadAsync(string name, CancellationToken ct)
    {
        await DeclareExchangeAsync(name, ExchangeType.Fanout, ct);
        await DeclareAsync(name, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }, ct);
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
