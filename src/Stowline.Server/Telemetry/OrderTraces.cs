using System.Diagnostics;
using System.Threading.Channels;
using Stowline.Log;

namespace Stowline.Server.Telemetry;

/// <summary>
/// One trace per order through every lane (H1). Every event of an order and every consumer's handling of one becomes a span in the trace that the order
/// came with; what a worker's request caused is linked to the request's own trace. Made from what was committed, on a pump of its own: writers
/// only hand over, and without a listener not even that.
/// </summary>
internal sealed class OrderTraces : Pump, IDisposable
{
    public const string SourceName = "Stowline";
    private const int Batch = 500;
    private const int MostRemembered = 100_000;

    /// <param name="Consumer">Null for events that were written, else who handled them.</param>
    private sealed record Work(string? Consumer, IReadOnlyList<EventRecord> Events, DateTimeOffset Started, DateTimeOffset Ended);

    private static readonly ActivitySource Source = new(SourceName);
    private readonly Node _node;
    private readonly Channel<Work> _queue = Channel.CreateBounded<Work>(new BoundedChannelOptions(10_000) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Dictionary<Guid, string?> _origins = [];

    public OrderTraces(Node node)
    {
        _node = node;
        node.Lanes.Committed += OnCommitted;
        node.Lanes.Consumed += OnConsumed;
    }

    public override string Name => "traces";

    private void OnCommitted(Lane lane, IReadOnlyList<EventRecord> events)
    {
        if (!Source.HasListeners()) return;
        Offer(new Work(null, events, events[0].At, _node.Time.GetUtcNow()));
    }

    private void OnConsumed(Consumer consumer, IReadOnlyList<EventRecord> events, DateTimeOffset started)
    {
        if (!Source.HasListeners()) return;
        Offer(new Work(consumer.Name, [.. events.Where(e => consumer.Wants(e.Type))], started, _node.Time.GetUtcNow()));
    }

    /// <summary>When more happens than can be told, the rest of it is not: tracing must never hold the work up.</summary>
    private void Offer(Work work)
    {
        if (_queue.Writer.TryWrite(work)) Wake.Set();
    }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var works = new List<Work>();
        while (works.Count < Batch && _queue.Reader.TryRead(out var work)) works.Add(work);
        if (works.Count == 0) return false;
        await LearnOriginsAsync(works, ct);
        foreach (var work in works)
            foreach (var e in work.Events)
                if (e.OrderId is { } order && _origins.GetValueOrDefault(order) is { } origin) Tell(work, e, origin);
        return true;
    }

    /// <summary>An order's own trace is that of its first event: known when it passes by, else read.</summary>
    private async Task LearnOriginsAsync(List<Work> works, CancellationToken ct)
    {
        if (_origins.Count > MostRemembered) _origins.Clear();
        var unknown = new HashSet<Guid>();
        foreach (var e in works.SelectMany(w => w.Events))
        {
            if (e.OrderId is not { } order || _origins.ContainsKey(order)) continue;
            if (e.Type == Contracts.OrderPlaced.Type) _origins[order] = e.Trace;
            else unknown.Add(order);
        }
        unknown.ExceptWith(_origins.Keys);
        if (unknown.Count == 0) return;
        Guid[] asked = [.. unknown];
        var found = await _node.Database.ReadAsync(async session => await LaneReader.OriginsAsync(session, asked), ct);
        foreach (var order in asked) _origins[order] = found.GetValueOrDefault(order);
    }

    private static void Tell(Work work, EventRecord e, string origin)
    {
        if (!ActivityContext.TryParse(origin, null, isRemote: true, out var parent)) return;
        ActivityLink[]? links = ActivityContext.TryParse(e.Trace, null, isRemote: true, out var cause) && cause.TraceId != parent.TraceId ? [new ActivityLink(cause)] : null;
        using var span = Source.StartActivity(work.Consumer is null ? e.Type : $"{work.Consumer} {e.Type}", work.Consumer is null ? ActivityKind.Internal : ActivityKind.Consumer,
            parent, Tags(work, e), links, work.Started);
        // A clock that was set back between the two must not make a span that ends before it begins.
        span?.SetEndTime((work.Ended > work.Started ? work.Ended : work.Started).UtcDateTime);
    }

    private static KeyValuePair<string, object?>[] Tags(Work work, EventRecord e)
    {
        KeyValuePair<string, object?>[] tags = [new("stowline.order_id", e.OrderId.ToString()), new("stowline.lane", e.Lane.Name), new("stowline.position", e.Position)];
        return work.Consumer is null ? tags : [.. tags, new("stowline.consumer", work.Consumer)];
    }

    public void Dispose()
    {
        _node.Lanes.Committed -= OnCommitted;
        _node.Lanes.Consumed -= OnConsumed;
    }
}
