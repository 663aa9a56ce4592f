using System.Diagnostics;
using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Server.Telemetry;

/// <summary>
/// What happens to orders, as log lines with the order's and the trace's id (H1, F12): what needs somebody at warning and error, every event of every order
/// at debug. Never a payload: it may be about a person.
/// </summary>
internal sealed class OrderLog : IDisposable
{
    private readonly Lanes _lanes;
    private readonly ILogger _log;

    public OrderLog(Lanes lanes, ILogger log)
    {
        (_lanes, _log) = (lanes, log);
        lanes.Committed += OnCommitted;
        lanes.Parked += OnParked;
    }

    /// <summary>The scope of log lines that concern an order.</summary>
    public static IDisposable? Scope(ILogger log, string? order, string? traceId) => log.BeginScope(new About { ["order_id"] = order, ["trace_id"] = traceId });

    /// <summary>Says itself in words too: that is what a text log shows of a scope.</summary>
    private sealed class About : Dictionary<string, object?>
    {
        public override string ToString() => string.Join(' ', this.Where(p => p.Value is not null).Select(p => $"{p.Key}:{p.Value}"));
    }

    private static string? TraceIdOf(string? traceparent) => ActivityContext.TryParse(traceparent, null, out var context) ? context.TraceId.ToHexString() : null;

    /// <summary>On the writer's thread: without debug it only compares types.</summary>
    private void OnCommitted(Lane lane, IReadOnlyList<EventRecord> events)
    {
        var all = _log.IsEnabled(LogLevel.Debug);
        foreach (var e in events)
        {
            if (e.Type == OrderStuck.Type) Tell(LogLevel.Warning, e, "order {order_id} is stuck: {reason}", e.Read<OrderStuck>().Reason);
            else if (e.Type == OrderUnstuck.Type) Tell(LogLevel.Information, e, "order {order_id} is no longer stuck: {reason}", e.Read<OrderUnstuck>().Reason);
            else if (e.Type == AlertRaised.Type && e.Read<AlertRaised>() is var raised) _log.LogWarning("alert {key} ({severity}): {summary}", raised.Key, raised.Severity, raised.Summary);
            else if (e.Type == AlertResolved.Type && e.Read<AlertResolved>() is var over) _log.LogInformation("alert {key} is over: {summary}", over.Key, over.Summary);
            else if (all && e.OrderId is not null) Tell(LogLevel.Debug, e, "order {order_id}: {event}", e.Type);
        }
    }

#pragma warning disable CA2254 // the templates are the three above
    private void Tell(LogLevel level, EventRecord e, string template, string what)
    {
        var order = e.OrderId.ToString();
        using (Scope(_log, order, TraceIdOf(e.Trace))) _log.Log(level, template, order, what);
    }
#pragma warning restore CA2254

    private void OnParked(string consumer, EventRecord e, string error)
    {
        using (Scope(_log, e.OrderId?.ToString(), TraceIdOf(e.Trace)))
            _log.LogError("{consumer} could not handle {event} at {lane}:{position}, which is parked now: {error}", consumer, e.Type, e.Lane.Name, e.Position, error);
    }

    public void Dispose()
    {
        _lanes.Committed -= OnCommitted;
        _lanes.Parked -= OnParked;
    }
}
