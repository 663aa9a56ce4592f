using System.Diagnostics.Metrics;
using System.Globalization;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Adapters.Brokers;

/// <summary>
/// Orders from a broker. The same for every broker. A message is acknowledged when its order is durable; the same order again is the order that exists. What
/// can never be taken is parked with its reason, and the next ones go on; what cannot be taken now is left with the broker.
/// </summary>
public sealed class OrderIntake : Pump, IAsyncDisposable
{
    private const int BatchSize = 256;
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    /// <summary>A broker that does not take back what nobody can take is away, whatever it says.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly Node _node;
    private readonly IBrokerIn _broker;
    private readonly OrderFormat _format;
    private readonly AcceptOrders _intake;
    private readonly Meter _meter;
    private readonly Counter<long> _taken;
    private readonly Rest _looks;
    private QueueState? _state;
    private long? _parked;

    public OrderIntake(Node node, IBrokerIn broker, OrderFormat format)
    {
        (_node, _broker, _format, _looks) = (node, broker, format, new Rest(node.Time));
        _intake = node.Modules.OfType<OrderingModule>().Single().Intake!;
        _meter = new Meter(new MeterOptions("Stowline.Intake") { Scope = node.Lanes });
        _taken = _meter.CreateCounter<long>("stowline_intake_messages", description: "Messages from brokers by what became of them");
        _meter.CreateObservableGauge("stowline_intake_parked_messages", () => _parked is { } parked ? [new Measurement<long>(parked, Label)] : Array.Empty<Measurement<long>>(),
            description: "Messages that could not be taken and wait for an operator");
        _meter.CreateObservableGauge("stowline_intake_queue_messages", () => Measure<long>(s => s.Messages), description: "Messages that wait with the broker");
        _meter.CreateObservableGauge("stowline_intake_queue_unacknowledged", () => Measure<long>(s => s.Unacknowledged), description: "Messages that the broker gave out and that are not acknowledged");
        _meter.CreateObservableGauge("stowline_intake_queue_age_seconds", () => Measure(s => s.OldestAge?.TotalSeconds), "s", "Age of the oldest message that waits with the broker");
    }

    public override string Name => _broker.Name;
    public override TimeSpan Idle => TimeSpan.FromMilliseconds(100); // brokers do not wake us; asking them waits by itself

    /// <summary>What waited with the broker when it was last asked; null where it does not tell.</summary>
    public QueueState? State => _state;

    private KeyValuePair<string, object?> Label => new("intake", Name);

    private IEnumerable<Measurement<T>> Measure<T>(Func<QueueState, T?> value) where T : struct => _state is { } s && value(s) is { } v ? [new Measurement<T>(v, Label)] : [];

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        await LookAsync(ct);
        var messages = await _broker.ReceiveAsync(BatchSize, ct);
        if (messages.Count == 0)
        {
            if (_broker.Trouble is { } trouble) SayTrouble(trouble, _node.Time.GetUtcNow());
            else SayNoTrouble();
            return false;
        }
        try
        {
            var refused = await TakeAllAsync(messages, ct);
            var parked = refused.Count == 0 ? refused : await PatientlyAsync(_broker.RefuseAsync(refused, ct), ct);
            await ParkedMessages.ParkAsync(_node.Lanes, Name, [.. parked.Select(Park)], ct);
            await _broker.AcknowledgeAsync(messages, ct);
            Count("parked", parked.Count);
            Count("retried", refused.Count - parked.Count);
            Count("accepted", messages.Count - refused.Count);
            SayNoTrouble();
            return true;
        }
        catch
        {
            await _broker.RewindAsync(messages, CancellationToken.None);
            throw;
        }
    }

    /// <summary>Waits as long as it takes, and says so meanwhile.</summary>
    private async Task<T> PatientlyAsync<T>(Task<T> asked, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                return await asked.WaitAsync(Patience, _node.Time, ct);
            }
            catch (TimeoutException) when (!asked.IsCompleted)
            {
                SayTrouble(_broker.Trouble ?? "messages were handed back and are not confirmed yet", _node.Time.GetUtcNow());
            }
        }
    }

    /// <summary>Never between a message and its acknowledgment: how long the queue is, is good to know, and where the broker does not say it, orders come in all the same.</summary>
    private async Task LookAsync(CancellationToken ct)
    {
        if (!_looks.IsOver) return;
        _looks.For(Look);
        try
        {
            _state = await _broker.StateAsync(ct);
        }
        catch (Exception) when (!ct.IsCancellationRequested)
        {
            _state = null;
        }
        try
        {
            _parked = await _node.Database.ReadAsync(async session => await ParkedMessages.CountAsync(session, Name), ct);
        }
        catch (Exception e) when (_node.Database.IsInfrastructure(e))
        {
            _parked = null;
        }
    }

    /// <summary>Tries parked messages of a subject again, in their order, and forgets those that could be taken now.</summary>
    /// <returns>How many could be taken; the refusal of the first where none could.</returns>
    public async Task<Outcome<int>> ReplayAsync(string source, string subject, CancellationToken ct)
    {
        var parked = await _node.Database.ReadAsync(session => ParkedMessages.FindAsync(session, Name, source, subject), ct);
        if (parked.Count == 0) return Refusal.NotFound("not_parked", $"nothing of {subject} is parked for {Name}");
        if (parked.FirstOrDefault(p => p.IsCut) is { } cut)
            return Refusal.Conflict("message_too_large", $"message {cut.Position} was too large to be kept whole: repair the sender and send it again");
        var messages = parked.Select(p => new IncomingMessage(p.Source, p.Position, p.Subject, p.Body, p)).ToList();
        var refused = await TakeAllAsync(messages, ct);
        var taken = messages.Select(m => m.Position).Except(refused.Select(r => r.Message.Position)).ToList();
        await ParkedMessages.ForgetAsync(_node.Lanes, Name, source, taken, ct);
        Count("replayed", taken.Count);
        return taken.Count > 0 ? taken.Count : Refusal.Conflict("still_refused", refused[0].Reason);
    }

    private void Count(string outcome, int messages)
    {
        if (messages > 0) _taken.Add(messages, Label, new KeyValuePair<string, object?>("outcome", outcome));
    }

    /// <summary>All at once, so that they are decided as one group; the queue keeps their order.</summary>
    /// <exception cref="ConsumerStalledException">Some cannot be told yet: the broker is to keep them all.</exception>
    private async Task<IReadOnlyList<RefusedMessage>> TakeAllAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct)
    {
        var orders = await _format(messages, ct);
        var refusals = await Task.WhenAll(orders.Select(o => TakeAsync(o, ct)));
        return [.. messages.Zip(refusals).Where(m => m.Second is not null).Select(m => new RefusedMessage(m.First, $"{m.Second!.Code}: {m.Second.Detail}", MayPass(m.Second)))];
    }

    /// <summary>A product may be made known or an order come after its cancellation; what cannot be read never will be.</summary>
    private static bool MayPass(Refusal refusal) => refusal.Code is "unknown_sku" or "unknown_listing" or "order_not_found";

    /// <summary>Null when what was asked for is so now, by this message or an earlier one.</summary>
    private async Task<Refusal?> TakeAsync(Outcome<IncomingOrder> order, CancellationToken ct)
    {
        if (order.Refusal is { } unreadable) return unreadable;
        var refusal = order.Value switch
        {
            IncomingOrder.Place place => await PlaceAsync(place.Body, ct),
            IncomingOrder.Cancel cancel => await CancelAsync(cancel, ct),
            _ => null,
        };
        return refusal is { Kind: RefusalKind.Unavailable or RefusalKind.TooMany } busy ? throw new ConsumerStalledException(busy.Detail) : refusal;
    }

    private async Task<Refusal?> CancelAsync(IncomingOrder.Cancel order, CancellationToken ct) =>
        (await _node.Lanes.ExecuteAsync(Lane.Hub, new Caller(Name), tx => CancelOrder.DecideAsync(order.Channel, order.ExternalId, order.Reason, tx), render: null, hops: 0, ct)).Outcome.Refusal;

    /// <summary>Whoever put it there hears no answer: what is not in stock waits for it, and the same message again must be the same order.</summary>
    private async Task<Refusal?> PlaceAsync(OrderBody body, CancellationToken ct)
    {
        var order = AcceptOrder.From(body with { Backorder = true }, _node.Ids);
        return order.Refusal ?? (await _intake.AcceptAsync(order.Value, new Caller(Name), ct, hops: 0)).Outcome.Refusal;
    }

    private static ParkedMessage Park(RefusedMessage m) => new(m.Message.Source, m.Message.Position,
        string.IsNullOrWhiteSpace(m.Message.Key) ? m.Message.Position.ToString(CultureInfo.InvariantCulture) : m.Message.Key, m.Reason, m.Message.Body);

    public async ValueTask DisposeAsync()
    {
        _meter.Dispose();
        await _broker.DisposeAsync();
    }
}
