using System.Globalization;
using System.Text.Json.Serialization;
using Stowline.Hub.Catalog;
using Stowline.Kernel;

namespace Stowline.Hub.Promising;

/// <summary>
/// When a site is open, on the clock of its wall (K2): <c>{"monday":["11:00-14:00","17:00-23:00"], …, "exceptions":{"2026-12-25":[]}}</c>. An interval
/// that ends at or before its beginning runs past midnight and belongs to the day on which it began; <c>24:00</c> is the day's end. A weekday that is not named is closed.
/// </summary>
public sealed record OpeningHours
{
    public List<string>? Monday { get; init; }
    public List<string>? Tuesday { get; init; }
    public List<string>? Wednesday { get; init; }
    public List<string>? Thursday { get; init; }
    public List<string>? Friday { get; init; }
    public List<string>? Saturday { get; init; }
    public List<string>? Sunday { get; init; }
    /// <summary>Date → intervals instead of the weekday's; none is closed.</summary>
    public Dictionary<string, List<string>>? Exceptions { get; init; }

    public static OpeningHours Always => new() { Monday = Day, Tuesday = Day, Wednesday = Day, Thursday = Day, Friday = Day, Saturday = Day, Sunday = Day };
    private static List<string> Day => ["00:00-24:00"];

    /// <summary>A site's <c>working_hours</c>; always where it has said nothing.</summary>
    public static OpeningHours Of(WorkingHours? works) => works is null ? Always : new()
    {
        Monday = Texts(works.On(DayOfWeek.Monday)), Tuesday = Texts(works.On(DayOfWeek.Tuesday)), Wednesday = Texts(works.On(DayOfWeek.Wednesday)), Thursday = Texts(works.On(DayOfWeek.Thursday)),
        Friday = Texts(works.On(DayOfWeek.Friday)), Saturday = Texts(works.On(DayOfWeek.Saturday)), Sunday = Texts(works.On(DayOfWeek.Sunday)),
        Exceptions = works.Exceptions.Count == 0 ? null : works.Exceptions.ToDictionary(e => e.Key.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), e => Texts(e.Value)),
    };

    private static List<string> Texts(IReadOnlyList<(TimeSpan From, TimeSpan To)> spans) => [.. spans.OrderBy(s => s.From).Select(s => $"{Text(s.From)}-{(s.To == TimeSpan.FromDays(1) ? "24:00" : Text(s.To))}")];

    /// <summary>Of a time on the next day the clock's hours: the interval runs past midnight because its end is not after its beginning.</summary>
    private static string Text(TimeSpan time) => time.ToString(@"hh\:mm", CultureInfo.InvariantCulture);

    private List<string>? Of(DayOfWeek day) => day switch
    {
        DayOfWeek.Monday => Monday,
        DayOfWeek.Tuesday => Tuesday,
        DayOfWeek.Wednesday => Wednesday,
        DayOfWeek.Thursday => Thursday,
        DayOfWeek.Friday => Friday,
        DayOfWeek.Saturday => Saturday,
        DayOfWeek.Sunday => Sunday,
    };

    public void Check(string at, Problems problems)
    {
        foreach (var day in Enum.GetValues<DayOfWeek>()) CheckDay(Of(day), $"{at}.{day.ToString().ToLowerInvariant()}", problems);
        problems.Check(Exceptions is null or { Count: <= 1_000 }, at + ".exceptions", "must be at most 1,000");
        foreach (var (date, intervals) in (Exceptions ?? []).Take(1_000))
        {
            problems.Check(DateOnly.TryParseExact(date, "yyyy-MM-dd", out _), $"{at}.exceptions", $"{date} is no date such as 2026-12-25");
            CheckDay(intervals, $"{at}.exceptions.{date}", problems);
        }
    }

    private static void CheckDay(List<string>? intervals, string at, Problems problems)
    {
        problems.Check(intervals is null or { Count: <= 24 }, at, "must be at most 24 intervals");
        TimeSpan? before = null;
        for (var i = 0; i < Math.Min(24, intervals?.Count ?? 0); i++)
        {
            if (Parse(intervals![i]) is not { } interval) problems.Add($"{at}[{i}]", "must be an interval such as 11:00-23:00");
            else
            {
                problems.Check(before is null || interval.From >= before, $"{at}[{i}]", "must begin after the one before has ended");
                before = interval.To;
            }
        }
    }

    /// <summary>From and to since the day's midnight; to may be on the next day.</summary>
    private static (TimeSpan From, TimeSpan To)? Parse(string? text)
    {
        if (text?.Split('-') is not [var from, var to] || Clock(from) is not { } start || Clock(to) is not { } end || start.TotalHours >= 24) return null;
        return (start, end <= start ? end + TimeSpan.FromDays(1) : end);
    }

    private static TimeSpan? Clock(string text) => text.Trim() == "24:00" ? TimeSpan.FromDays(1)
        : TimeOnly.TryParseExact(text.Trim(), "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time.ToTimeSpan() : null;

    /// <summary>
    /// The open intervals that begin on a local date, as instants. A clock time that daylight saving skips is the moment of the change. Of one that comes twice,
    /// the opening is the first and the closing the second, so that the site is open whenever its clock says so.
    /// </summary>
    public IReadOnlyList<(DateTimeOffset From, DateTimeOffset To)> On(DateOnly date, TimeZoneInfo zone)
    {
        var intervals = Exceptions?.GetValueOrDefault(date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)) ?? Of(date.DayOfWeek);
        if (intervals is null or { Count: 0 }) return [];
        var midnight = date.ToDateTime(TimeOnly.MinValue);
        return [.. intervals.Select(Parse).OfType<(TimeSpan From, TimeSpan To)>().Select(i => (Instant(midnight + i.From, zone, first: true), Instant(midnight + i.To, zone, first: false)))
            .Where(i => i.Item2 > i.Item1)];
    }

    internal static DateTimeOffset Instant(DateTime local, TimeZoneInfo zone, bool first)
    {
        if (zone.IsInvalidTime(local))
        {
            // The clock jumps over it: the jump itself is the moment. Its offset before the gap applies to any time just before.
            var before = zone.GetUtcOffset(local.AddDays(-1));
            var after = zone.GetUtcOffset(local.AddDays(1));
            var low = new DateTimeOffset(local, before).ToUniversalTime();
            // Walk back from the time as the old offset reads it to the minute at which the new offset begins.
            while (zone.GetUtcOffset(low.AddMinutes(-1)) == after) low = low.AddMinutes(-1);
            return low;
        }
        if (!zone.IsAmbiguousTime(local)) return new DateTimeOffset(local, zone.GetUtcOffset(local)).ToUniversalTime();
        var offsets = zone.GetAmbiguousTimeOffsets(local);
        return new DateTimeOffset(local, first ? offsets.Max() : offsets.Min()).ToUniversalTime();
    }
}

/// <summary>What a slot's capacity counts. Stored: append, never renumber.</summary>
[JsonConverter(typeof(Contracts.SnakeCaseEnum<SlotMeasure>))]
public enum SlotMeasure { Money = 1, Units = 2, Minutes = 3 }

/// <summary>How a site promises its capacity. <see cref="Capacity"/> in ten-thousandths of the currency, pieces or minutes per slot.</summary>
public sealed record SlotPlan
{
    public string Site { get; init; } = "";
    public int LengthMinutes { get; init; }
    public SlotMeasure Measure { get; init; }
    public long Capacity { get; init; }
    public string? Currency { get; init; }
    /// <summary>The earliest slot is the one in which now + lead falls.</summary>
    public int LeadMinutes { get; init; }
    public int VisibleMinutes { get; init; }
    /// <summary>How many local days, today included, are searched for a free slot.</summary>
    public int Days { get; init; }
    public OpeningHours Hours { get; init; } = new();
    /// <summary>The plan names no hours: <see cref="Hours"/> are the site's <c>working_hours</c>.</summary>
    public bool FollowsSite { get; init; }

    public long LengthSeconds => LengthMinutes * 60L;
}
