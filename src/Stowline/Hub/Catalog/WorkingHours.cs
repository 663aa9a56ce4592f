using System.Globalization;
using System.Text.Json;
using Stowline.Store;

namespace Stowline.Hub.Catalog;

/// <summary>
/// When a site works, read from its <c>working_hours</c>: <c>{"mon":"08:00-18:00","tue":["08:00-12:00","13:00-18:00"]}</c> in its time zone. A day
/// that is not named is closed; an end at or before the start is on the next day. <c>"exceptions":{"2026-12-25":[]}</c> replaces a weekday on a date. The field is
/// free JSON, so what is written otherwise says nothing here, and a site that says nothing works around the clock.
/// </summary>
public sealed class WorkingHours
{
    /// <summary>Nothing that is counted in working time needs to look back further.</summary>
    private static readonly TimeSpan Farthest = TimeSpan.FromDays(30);
    private static readonly string[] Days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    private readonly List<(TimeSpan From, TimeSpan To)>[] _days;
    private readonly Dictionary<DateOnly, List<(TimeSpan From, TimeSpan To)>> _exceptions;
    private readonly TimeZoneInfo _zone;

    private WorkingHours(List<(TimeSpan, TimeSpan)>[] days, Dictionary<DateOnly, List<(TimeSpan, TimeSpan)>> exceptions, TimeZoneInfo zone) => (_days, _exceptions, _zone) = (days, exceptions, zone);

    /// <summary>When it works on a weekday, since that day's midnight; the end may be on the next day.</summary>
    public IReadOnlyList<(TimeSpan From, TimeSpan To)> On(DayOfWeek day) => _days[(int)day];

    /// <summary>Instead of the weekday's.</summary>
    public IReadOnlyDictionary<DateOnly, List<(TimeSpan From, TimeSpan To)>> Exceptions => _exceptions;

    private sealed record Row { public string Code { get; init; } = ""; public string WorkingHours { get; init; } = ""; public string? TimeZone { get; init; } }

    /// <summary>The hours of all sites that have said them.</summary>
    public static async Task<IReadOnlyDictionary<string, WorkingHours>> AllAsync(SqlSession session)
    {
        var all = new Dictionary<string, WorkingHours>(StringComparer.Ordinal);
        foreach (var row in await session.QueryAsync<Row>("SELECT code, working_hours, time_zone FROM sites WHERE working_hours IS NOT NULL"))
            if (Read(row.WorkingHours, row.TimeZone) is { } hours) all[row.Code] = hours;
        return all;
    }

    /// <summary>Null where nothing is said that can be understood.</summary>
    public static WorkingHours? Read(string json, string? zone)
    {
        using var document = JsonDocument.Parse(json);
        if (document.RootElement.ValueKind != JsonValueKind.Object) return null;
        var days = Enumerable.Range(0, 7).Select(_ => new List<(TimeSpan, TimeSpan)>()).ToArray();
        var exceptions = new Dictionary<DateOnly, List<(TimeSpan, TimeSpan)>>();
        foreach (var member in document.RootElement.EnumerateObject())
        {
            if (member.NameEquals("exceptions"))
            {
                if (member.Value.ValueKind != JsonValueKind.Object) return null;
                foreach (var one in member.Value.EnumerateObject())
                {
                    if (!DateOnly.TryParseExact(one.Name, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) || Spans(one.Value) is not { } instead) return null;
                    exceptions[date] = instead;
                }
                continue;
            }
            var day = member.Name.Length < 3 ? -1 : Array.IndexOf(Days, member.Name[..3].ToLowerInvariant());
            if (day < 0 || Spans(member.Value) is not { } spans) return null;
            days[day].AddRange(spans);
        }
        if (days.All(d => d.Count == 0))
        {
            if (exceptions.Count == 0) return null;
            foreach (var day in days) day.Add((TimeSpan.Zero, TimeSpan.FromDays(1))); // around the clock but for those dates
        }
        return new WorkingHours(days, exceptions, zone is not null && TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var known) ? known : TimeZoneInfo.Utc);
    }

    private static List<(TimeSpan, TimeSpan)>? Spans(JsonElement value)
    {
        JsonElement[] given = value.ValueKind switch
        {
            JsonValueKind.Array => [.. value.EnumerateArray()],
            JsonValueKind.Null => [],
            _ => [value],
        };
        var spans = new List<(TimeSpan, TimeSpan)>();
        foreach (var span in given)
        {
            if (span.ValueKind != JsonValueKind.String || Span(span.GetString()!) is not { } read) return null;
            spans.Add(read);
        }
        return spans;
    }

    private static (TimeSpan, TimeSpan)? Span(string text) =>
        text.Split('-', StringSplitOptions.TrimEntries) is [var a, var b] && Clock(a) is { } from && Clock(b) is { } to
            ? (from, to > from ? to : to + TimeSpan.FromDays(1)) : null;

    private static TimeSpan? Clock(string text) =>
        text == "24:00" ? TimeSpan.FromDays(1)
        : TimeOnly.TryParseExact(text, ["HH:mm", "H:mm"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time.ToTimeSpan() : null;

    /// <summary>How much of the time between two moments the site worked.</summary>
    public TimeSpan Between(DateTimeOffset from, DateTimeOffset to)
    {
        if (to - from > Farthest) from = to - Farthest;
        var total = TimeSpan.Zero;
        // From the day before: what began then may reach over midnight.
        var last = TimeZoneInfo.ConvertTime(to, _zone).Date;
        for (var day = TimeZoneInfo.ConvertTime(from, _zone).Date.AddDays(-1); day <= last; day = day.AddDays(1))
        {
            foreach (var (opens, closes) in _exceptions.GetValueOrDefault(DateOnly.FromDateTime(day)) ?? _days[(int)day.DayOfWeek])
            {
                var (start, end) = (At(day + opens), At(day + closes));
                if (start < from) start = from;
                if (end > to) end = to;
                if (end > start) total += end - start;
            }
        }
        return total;
    }

    private DateTimeOffset At(DateTime local) => new(local, _zone.GetUtcOffset(local));
}
