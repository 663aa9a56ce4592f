using System.Globalization;
using System.Text.Json;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Server.Operations;

/// <summary>A lane, read from outside: CloudEvents 1.0 in JSON, oldest first, from any position on.</summary>
internal static class EventEndpoints
{
    private const int MaxLimit = 1_000;

    public static void Map(IEndpointRouteBuilder api, Node node) => api.Get("/events", http => ReadAsync(http, node))
        .WithTags("Events").WithSummary("The events of a lane as CloudEvents, oldest first").Produces<EventPage>()
        .Reads("lane", "The lane, for example hub.", required: true)
        .WithMetadata(new QueryParameter("after", "Only after this position.", Number: (0, int.MaxValue, 0)),
            new QueryParameter("limit", "How many events at most.", Number: (1, MaxLimit, 100)));

    // Only for the description: the answer is written byte for byte, see Render.
    private sealed record EventPage(IReadOnlyList<CloudEvent> Items, long NextAfter);
    private sealed record CloudEvent(
        string Specversion, string Id, string Source, string Type, string Subject, DateTimeOffset Time, string Datacontenttype, string Lane, long Position, string Actor,
        [property: System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)] Guid? Orderid,
        [property: System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)] string? Traceparent,
        JsonElement Data);

    private static async Task ReadAsync(HttpContext http, Node node)
    {
        var problems = new Problems();
        var lane = Requests.Query(http, "lane");
        problems.Check(lane is not null, "lane", "is required, for example hub");
        var after = Number(http, "after", 0, long.MaxValue, 0, problems);
        var limit = (int)Number(http, "limit", 1, MaxLimit, 100, problems);
        if (problems.Any) { await Answers.WriteAsync(http, problems.ToRefusal()); return; }
        var exists = await node.Database.ReadAsync(async s => (await LaneReader.LanesAsync(s)).Any(l => l.Name == lane), http.RequestAborted);
        if (!exists) { await Answers.WriteAsync(http, Refusal.NotFound("lane_not_found", $"there is no lane {lane} here")); return; }
        var archived = await node.Database.ReadAsync(async s => await LaneReader.ArchivedUpToAsync(s, lane!), http.RequestAborted);
        if (after < archived)
        {
            await Answers.WriteAsync(http, Refusal.Conflict("events_archived", $"{lane} is archived up to position {archived}; read on after that", new Dictionary<string, object?> { ["archived_up_to"] = archived }));
            return;
        }
        var events = await node.Lanes.ReadAsync(new Lane(lane!), after, limit, http.RequestAborted, ask: true);
        await Answers.WriteBytesAsync(http, 200, null, Render(events, after), "application/json");
    }

    private static long Number(HttpContext http, string name, long least, long most, long otherwise, Problems problems)
    {
        if (Requests.Query(http, name) is not { } text) return otherwise;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most) return number;
        problems.Add(name, most == long.MaxValue ? $"must be a number from {least}" : $"must be {least}–{most}");
        return otherwise;
    }

    private static byte[] Render(IReadOnlyList<EventRecord> events, long after)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = HttpJson.Options.Encoder, SkipValidation = true }))
        {
            json.WriteStartObject();
            json.WriteStartArray("items"u8);
            foreach (var e in events) Write(json, e);
            json.WriteEndArray();
            json.WriteNumber("next_after"u8, events.Count > 0 ? events[^1].Position : after);
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    private static void Write(Utf8JsonWriter json, EventRecord e)
    {
        json.WriteStartObject();
        json.WriteString("specversion"u8, "1.0"u8);
        json.WriteString("id"u8, e.Id);
        json.WriteString("source"u8, "/lanes/" + Uri.EscapeDataString(e.Lane.Name).Replace("%2F", "/", StringComparison.Ordinal));
        json.WriteString("type"u8, e.Type);
        json.WriteString("subject"u8, e.Subject);
        json.WriteString("time"u8, RowTypes.Text(e.At));
        json.WriteString("datacontenttype"u8, "application/json"u8);
        // Extensions: names are lower case letters and digits only, as the specification asks.
        json.WriteString("lane"u8, e.Lane.Name);
        json.WriteNumber("position"u8, e.Position);
        json.WriteString("actor"u8, e.Actor);
        if (e.OrderId is { } order) json.WriteString("orderid"u8, order);
        if (e.Trace is { } trace) json.WriteString("traceparent"u8, trace);
        json.WritePropertyName("data"u8);
        json.WriteRawValue(e.Payload, skipInputValidation: true); // byte for byte as hashed
        json.WriteEndObject();
    }
}
