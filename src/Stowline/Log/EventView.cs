namespace Stowline.Log;

/// <summary>
/// An event in passing: as <see cref="EventRecord"/>, but its payload stays where the database has put it and is gone with the next event. Who reads a hundred thousand of them
/// in a second and keeps none spares the collector most of its work; who keeps one makes a record of it.
/// </summary>
public readonly ref struct EventView(Lane lane, long position, Guid id, string type, string subject, Guid? orderId, DateTimeOffset at, string actor, string? trace, ReadOnlySpan<byte> payload)
{
    public Lane Lane { get; } = lane;
    public long Position { get; } = position;
    public Guid Id { get; } = id;
    public string Type { get; } = type;
    public string Subject { get; } = subject;
    public Guid? OrderId { get; } = orderId;
    public DateTimeOffset At { get; } = at;
    public string Actor { get; } = actor;
    public string? Trace { get; } = trace;
    public ReadOnlySpan<byte> Payload { get; } = payload;

    /// <summary>The event with a payload of its own.</summary>
    public EventRecord Keep() => new(Lane, Position, Id, Type, Subject, OrderId, At, Actor, Trace, Payload.ToArray());
}
