using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Stowline.Log;

/// <summary>
/// What one process tells the others on its database. Everything in it is already committed and can be read there; it only saves them from
/// looking, so losing one costs time and nothing else.
/// </summary>
/// <param name="From">The process that says so.</param>
internal sealed record NeighborMessage(string From)
{
    /// <summary>It has just joined and wants to hear where everything stands.</summary>
    public bool Hello { get; init; }

    /// <summary>It goes and has given the duty back.</summary>
    public bool Left { get; init; }

    /// <summary>Lane → position up to which it has been written.</summary>
    public Dictionary<string, long>? Heads { get; init; }

    /// <summary>How far consumers are, also over events that moved no stored cursor.</summary>
    public List<NeighborMove>? Moves { get; init; }

    /// <summary>What others may keep in memory and must forget.</summary>
    public List<string>? Topics { get; init; }

    /// <summary>Numbers the announcement of <see cref="Topics"/>; 0 where nobody waits for it to be heard.</summary>
    public long Number { get; init; }

    /// <summary>Process → the last of its announcements that has been acted on here.</summary>
    public Dictionary<string, long>? Seen { get; init; }

    private bool IsEmpty => !Hello && !Left && Heads is null && Moves is null && Topics is null && Seen is null;

    /// <summary>The messages as texts that each fit into a notification.</summary>
    public IReadOnlyList<string> ToTexts(int mostBytes)
    {
        if (IsEmpty) return [];
        var bytes = JsonSerializer.SerializeToUtf8Bytes(this, NeighborJson.Compact);
        if (bytes.Length <= mostBytes) return [System.Text.Encoding.UTF8.GetString(bytes)];
        // Heads before moves: who hears of a move has then heard of all that it wrote.
        var first = this with { Moves = null, Heads = Half(Heads, 0), Topics = null, Number = 0, Seen = Half(Seen, 0) };
        var second = new NeighborMessage(From) { Heads = Half(Heads, 1), Seen = Half(Seen, 1) };
        var rest = new NeighborMessage(From) { Topics = Topics, Number = Number };
        var moves = Moves is null ? [] : Moves.Chunk(Math.Max(1, (Moves.Count + 1) / 2)).Select(half => new NeighborMessage(From) { Moves = [.. half] });
        return [.. new[] { first, second, rest }.Concat(moves).SelectMany(m => m.ToTexts(mostBytes))];
    }

    private static Dictionary<string, long>? Half(Dictionary<string, long>? whole, int which)
    {
        if (whole is null) return null;
        var half = whole.Where((_, i) => i % 2 == which).ToDictionary(StringComparer.Ordinal);
        return half.Count == 0 ? null : half;
    }

    public static NeighborMessage? Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, NeighborJson.Default.NeighborMessage);
        }
        catch (JsonException)
        {
            return null; // somebody else's, or of a Stowline that speaks otherwise: what it knows stands in the database too
        }
    }
}

internal sealed record NeighborMove(string Consumer, string Lane, long To);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(NeighborMessage))]
internal sealed partial class NeighborJson : JsonSerializerContext
{
    /// <summary>Letters of every script as they are: a notification has room for 8000 bytes.</summary>
    public static readonly JsonTypeInfo<NeighborMessage> Compact = new NeighborJson(new JsonSerializerOptions(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    }).NeighborMessage;
}
