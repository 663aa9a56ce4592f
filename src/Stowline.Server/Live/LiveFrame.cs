using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using Stowline.Http;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Server.Live;

/// <summary>
/// A call of <c>event({topic, position, type, at, data})</c>, made once and given to every connection that wants it: SignalR keeps the
/// bytes with the frame.
/// </summary>
internal static class LiveFrame
{
    /// <param name="position">A lane's number, or the text that stands for a place in several lanes.</param>
    public static SerializedHubMessage OfEvent(string topic, object position, EventRecord e) => Make(topic, position, e.Type, e.At, json => WriteData(json, e.Payload));

    public static SerializedHubMessage Snapshot<T>(string topic, object position, DateTimeOffset at, T state) =>
        Make(topic, position, "snapshot", at, json => JsonSerializer.Serialize(json, state, HttpJson.Info<T>()));

    private static SerializedHubMessage Make(string topic, object position, string type, DateTimeOffset at, Action<Utf8JsonWriter> writeData)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = HttpJson.Options.Encoder }))
        {
            json.WriteStartObject();
            json.WriteString("topic"u8, topic);
            if (position is long number) json.WriteNumber("position"u8, number);
            else json.WriteString("position"u8, position.ToString());
            json.WriteString("type"u8, type);
            json.WriteString("at"u8, RowTypes.Text(at));
            json.WritePropertyName("data"u8);
            writeData(json);
            json.WriteEndObject();
        }
        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        return new SerializedHubMessage(new InvocationMessage("event", [JsonElement.ParseValue(ref reader)]));
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
