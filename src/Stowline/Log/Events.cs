using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Stowline.Log;

/// <summary>A fact that a lane keeps. <see cref="Type"/> is its stable name on the wire, such as <c>order.placed</c>.</summary>
public interface IEvent
{
    static abstract string Type { get; }
}

/// <summary>An event as it stands in a lane. <paramref name="Payload"/> is UTF-8 JSON, byte for byte as hashed.</summary>
/// <param name="Subject">What the event is about, for parking: later events of a parked subject wait behind it.</param>
/// <param name="OrderId">The order in whose timeline it appears, if any.</param>
/// <param name="Trace">W3C traceparent of the request that caused it.</param>
public sealed record EventRecord(
    Lane Lane, long Position, Guid Id, string Type, string Subject, Guid? OrderId, DateTimeOffset At, string Actor, string? Trace, byte[] Payload)
{
    /// <summary>Counts from 1 within its group until the group writes its log; then the place in the lane.</summary>
    public long Position { get; internal set; } = Position;

    /// <summary>The same event for whoever looks at events in passing.</summary>
    public EventView View => new(Lane, Position, Id, Type, Subject, OrderId, At, Actor, Trace, Payload);

    /// <summary>Reads the payload. Unknown members are ignored: a newer node may have written them.</summary>
    public T Read<T>() where T : IEvent => JsonSerializer.Deserialize(Payload, EventJson.Info<T>()) ?? throw new JsonException($"{Type} has no payload");
}

/// <summary>Where payload serializers come from: source-generated contexts that the modules register. Keeps the log ignorant of the events.</summary>
public static class EventJson
{
    private static IJsonTypeInfoResolver? s_resolver;
    private static JsonSerializerOptions s_options = new();

    public static void Use(JsonSerializerOptions options, IJsonTypeInfoResolver resolver) => (s_options, s_resolver) = (options, resolver);

    public static JsonTypeInfo<T> Info<T>()
    {
        if (Cache<T>.Info is { } known) return known;
        var resolver = s_resolver ?? throw new InvalidOperationException("no event serializers are registered");
        return Cache<T>.Info = resolver.GetTypeInfo(typeof(T), s_options) as JsonTypeInfo<T>
                               ?? throw new InvalidOperationException($"{typeof(T)} is not in the serializer context");
    }

    private static class Cache<T>
    {
        public static JsonTypeInfo<T>? Info;
    }
}
