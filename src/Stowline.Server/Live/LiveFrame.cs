using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR.Protocol;
using Stowline.Http;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Server.Live;

/// <summary>
/// Calls of <c>event({topic, position, type, at, data})</c> as bytes on the wire, made once and given to every connection that wants them. A message
/// of its own kind, so that the protocol may write it in one piece: SignalR's own shared message is cut into pages of 4 KB, each of which becomes a
/// WebSocket frame and a system call.
/// </summary>
internal sealed class LiveFrame(ReadOnlyMemory<byte> bytes, int events) : HubMessage
{
    public ReadOnlyMemory<byte> Bytes => bytes;

    /// <summary>How many calls it holds.</summary>
    public int Events => events;

    /// <param name="position">A lane's number, or the text that stands for a place in several lanes.</param>
    public static LiveFrame OfEvent(string topic, object position, EventRecord e)
    {
        var frames = new LiveFrameWriter(topic);
        frames.Add(position, e);
        return frames.Take()[0];
    }

    public static LiveFrame Snapshot<T>(string topic, object position, DateTimeOffset at, T state)
    {
        var frames = new LiveFrameWriter(topic);
        frames.Add(position, "snapshot", at, json => JsonSerializer.Serialize(json, state, HttpJson.Info<T>()));
        return frames.Take()[0];
    }
}

/// <summary>
/// Writes the calls of one topic one behind the other. Each stays a call of its own; that several travel together is only seen in what it costs: a
/// connection takes and sends a frame, not an event.
/// </summary>
internal sealed class LiveFrameWriter(string topic)
{
    /// <summary>Enough to be worth a system call, and below what the runtime keeps apart as large objects.</summary>
    private const int FullBytes = 48 * 1024;
    private const byte Separator = 0x1e;
    private static readonly JsonWriterOptions Options = new() { Encoder = HttpJson.Options.Encoder };

    private readonly ArrayBufferWriter<byte> _buffer = new(4096);
    private readonly List<LiveFrame> _full = [];
    private int _events;

    public void Add(object position, EventRecord e) => Add(position, e.Type, e.At, json => WriteData(json, e.Payload));

    public void Add(object position, string type, DateTimeOffset at, Action<Utf8JsonWriter> writeData)
    {
        using (var json = new Utf8JsonWriter(_buffer, Options))
        {
            json.WriteStartObject();
            json.WriteNumber("type"u8, 1); // an invocation, in SignalR's JSON protocol
            json.WriteString("target"u8, "event"u8);
            json.WriteStartArray("arguments"u8);
            json.WriteStartObject();
            json.WriteString("topic"u8, topic);
            if (position is long number) json.WriteNumber("position"u8, number);
            else json.WriteString("position"u8, position.ToString());
            json.WriteString("type"u8, type);
            json.WriteString("at"u8, RowTypes.Text(at));
            json.WritePropertyName("data"u8);
            writeData(json);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }
        _buffer.GetSpan(1)[0] = Separator;
        _buffer.Advance(1);
        _events++;
        if (_buffer.WrittenCount >= FullBytes) Close();
    }

    /// <summary>All that was added since, in order.</summary>
    public IReadOnlyList<LiveFrame> Take()
    {
        Close();
        LiveFrame[] frames = [.. _full];
        _full.Clear();
        return frames;
    }

    private void Close()
    {
        if (_events == 0) return;
        _full.Add(new LiveFrame(_buffer.WrittenSpan.ToArray(), _events));
        _buffer.ResetWrittenCount();
        _events = 0;
    }

    /// <summary>The payload without <c>personal</c>: it is encrypted, and nobody's business on a screen.</summary>
    private static void WriteData(Utf8JsonWriter json, byte[] payload)
    {
        using var document = JsonDocument.Parse(payload);
        json.WriteStartObject();
        foreach (var member in document.RootElement.EnumerateObject())
            if (!member.NameEquals("personal"u8)) member.WriteTo(json);
        json.WriteEndObject();
    }
}
