using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Kernel;

namespace Stowline;

/// <summary>Why an order is stuck (H1, F12). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<StuckReason>))]
public enum StuckReason
{
    /// <summary>Allocated, and nobody has begun to pick. Counts the site's working hours only, where they are known.</summary>
    NotPicked = 1,
    PickingSlow = 2,
    PackingSlow = 3,
    /// <summary>Packed, and has not left.</summary>
    NotShipped = 4,
    /// <summary>A site has not answered whether it could cancel its part.</summary>
    CancelUnanswered = 5,
    BackorderOld = 6,
    /// <summary>A worker has a picking task and has not begun it.</summary>
    TaskNotStarted = 7,
    /// <summary>A picking task was begun, and no unit has been picked for a while.</summary>
    NoProgress = 8,
    /// <summary>Packing was begun, and there is no package with dimensions yet.</summary>
    NoDimensions = 9,
    /// <summary>An event about the order could not be handled and waits for an operator.</summary>
    Parked = 10,
    /// <summary>Units were kept until a time that is over, and are not free yet.</summary>
    ReservationExpired = 11,
}

/// <summary>An order that a module sees standing still.</summary>
public sealed record StuckWork(Guid OrderId, StuckReason Reason, string? Site, DateTimeOffset Since);

/// <summary>How long an order may stand still, by reason. A reason without a time is not looked for.</summary>
public sealed class StuckRules
{
    private readonly Dictionary<StuckReason, TimeSpan> _ages;

    private StuckRules(Dictionary<StuckReason, TimeSpan> ages) => _ages = ages;

    public static StuckRules Default { get; } = new(new()
    {
        [StuckReason.NotPicked] = TimeSpan.FromMinutes(30),
        [StuckReason.PickingSlow] = TimeSpan.FromHours(2),
        [StuckReason.PackingSlow] = TimeSpan.FromHours(1),
        [StuckReason.NotShipped] = TimeSpan.FromHours(24),
        [StuckReason.CancelUnanswered] = TimeSpan.FromMinutes(10),
        [StuckReason.BackorderOld] = TimeSpan.FromDays(7),
        [StuckReason.TaskNotStarted] = TimeSpan.FromMinutes(30),
        [StuckReason.NoProgress] = TimeSpan.FromMinutes(30),
        [StuckReason.NoDimensions] = TimeSpan.FromHours(1),
        [StuckReason.Parked] = TimeSpan.Zero,
        [StuckReason.ReservationExpired] = TimeSpan.FromMinutes(5),
    });

    public TimeSpan? AgeOf(StuckReason reason) => _ages.TryGetValue(reason, out var age) ? age : null;

    /// <summary>
    /// Reads changes to the defaults: <c>not_picked=45m,backorder_old=off</c>, with s, m, h or d behind the number; <c>off</c> alone switches
    /// all rules off. Null and what is wrong when it is not understood.
    /// </summary>
    public static (StuckRules? Rules, string? Problem) Parse(string text)
    {
        if (text.Trim() == "off") return (new StuckRules([]), null);
        var ages = new Dictionary<StuckReason, TimeSpan>(Default._ages);
        foreach (var entry in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = entry.Split('=', StringSplitOptions.TrimEntries);
            if (parts.Length != 2) return (null, $"'{entry}' is not of the form reason=age");
            if (!SnakeCaseEnum<StuckReason>.TryParse(parts[0], out var reason)) return (null, $"there is no reason '{parts[0]}'; it {SnakeCaseEnum<StuckReason>.Choices}");
            if (parts[1] == "off") ages.Remove(reason);
            else if (Spans.Parse(parts[1]) is { } age) ages[reason] = age;
            else return (null, $"'{parts[1]}' is no age; write 90s, 45m, 2h, 7d or off");
        }
        return (new StuckRules(ages), null);
    }
}
