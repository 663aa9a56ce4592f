using System.Globalization;
using System.Text.Json;
using Stowline.Log;

namespace Stowline.Server.Live;

/// <summary>
/// A place among an order's events. They stand in several lanes whose positions are not one sequence, so it is the last position seen in
/// each: <c>hub:12,hub/WH1:3,site/WH1:5</c>. Site codes have neither colon nor comma.
/// </summary>
internal sealed class OrderPosition
{
    private readonly SortedDictionary<string, long> _seen = new(StringComparer.Ordinal);

    public static OrderPosition Parse(JsonElement given)
    {
        var position = new OrderPosition();
        if (given.ValueKind != JsonValueKind.String) throw LiveTopic.BadPosition();
        foreach (var part in given.GetString()!.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = part.LastIndexOf(':');
            if (colon <= 0 || !long.TryParse(part.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) throw LiveTopic.BadPosition();
            position._seen[part[..colon]] = number;
        }
        return position;
    }

    /// <summary>True, and remembered, when the event is one that was not seen yet.</summary>
    public bool Pass(EventRecord e)
    {
        if (e.Position <= _seen.GetValueOrDefault(e.Lane.Name)) return false;
        _seen[e.Lane.Name] = e.Position;
        return true;
    }

    public override string ToString() => string.Join(',', _seen.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Key}:{s.Value}")));

    /// <summary>
    /// An order's events as they happened, but never one of a lane before an earlier one of that lane: clocks of two processes may differ,
    /// and a position says that everything up to it was seen.
    /// </summary>
    public static IEnumerable<EventRecord> Sort(IReadOnlyList<EventRecord> events)
    {
        var lanes = events.GroupBy(e => e.Lane).Select(g => new Queue<EventRecord>(g.OrderBy(e => e.Position))).ToList();
        while (lanes.Count > 0)
        {
            var next = lanes.MinBy(l => (l.Peek().At, l.Peek().Id))!;
            yield return next.Dequeue();
            if (next.Count == 0) lanes.Remove(next);
        }
    }
}
