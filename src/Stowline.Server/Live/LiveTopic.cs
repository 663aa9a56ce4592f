using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Stowline.Log;

namespace Stowline.Server.Live;

internal enum LiveTopicKind { Orders, Order, Picking, Kitchen, Alerts }

/// <summary>What a client may subscribe to, and which events of which lane that is.</summary>
/// <param name="Key">The part after the slash: an order, a site.</param>
internal sealed record LiveTopic(string Name, LiveTopicKind Kind, string Key)
{
    /// <exception cref="HubException">There is no such topic.</exception>
    public static LiveTopic Parse(string? name)
    {
        var slash = name?.IndexOf('/') ?? -1;
        var (head, key) = slash < 0 ? (name, "") : (name![..slash], name[(slash + 1)..]);
        return (head, key.Length > 0) switch
        {
            ("orders", false) when slash < 0 => new LiveTopic(name!, LiveTopicKind.Orders, key),
            ("alerts", false) when slash < 0 => new LiveTopic(name!, LiveTopicKind.Alerts, key),
            ("order", true) => new LiveTopic(name!, LiveTopicKind.Order, key),
            ("kitchen", true) => new LiveTopic(name!, LiveTopicKind.Kitchen, key),
            ("picking", true) => new LiveTopic(name!, LiveTopicKind.Picking, key),
            _ => throw Refused("unknown_topic", "topics are orders, order/{id}, picking/{site}, kitchen/{site} and alerts"),
        };
    }

    /// <summary>The lane behind a topic of one lane.</summary>
    public Lane Lane => Kind is LiveTopicKind.Picking or LiveTopicKind.Kitchen ? Lane.Site(Key) : Lane.Hub;

    public bool Wants(EventRecord e) => Kind switch
    {
        LiveTopicKind.Orders => e.Type.StartsWith("order.", StringComparison.Ordinal),
        LiveTopicKind.Picking => e.Type.StartsWith("picking.", StringComparison.Ordinal) || e.Type.StartsWith("packing.", StringComparison.Ordinal)
                                                                                      || e.Type.StartsWith("part.", StringComparison.Ordinal),
        // What waits for its time is not on the screen yet.
        LiveTopicKind.Kitchen => e.Type.StartsWith("ticket.", StringComparison.Ordinal) && e.Type != "ticket.received" || e.Type.StartsWith("dish.", StringComparison.Ordinal),
        LiveTopicKind.Alerts => e.Type is "order.refused" or "order.rerouted" or "order.stuck" or "order.unstuck" or "order.doubled" or "link.alerted" or "link.cleared" or "link.joined" or "alert.raised" or "alert.resolved",
        LiveTopicKind.Order => true,
    };

    public static HubException Refused(string code, string detail) => new($"{code}: {detail}");

    /// <summary>A lane's position as a client gives it back: a number, or the same as text.</summary>
    public static long PositionOf(JsonElement given) =>
        given.ValueKind == JsonValueKind.Number && given.TryGetInt64(out var number) && number >= 0 ? number
        : given.ValueKind == JsonValueKind.String && long.TryParse(given.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out number) ? number
        : throw BadPosition();

    public static HubException BadPosition() => Refused("bad_position", "afterPosition must be one that this topic has given");
}
