using Stowline.Hub.Promising;
using Stowline.Kernel;

namespace Stowline.Tests.Kitchen;

/// Goal: a kitchen is open when its own clock says so, also on the two odd days of the year (K2). Method: pure, real time zones.
public class OpeningHoursTests
{
    private static readonly TimeZoneInfo Belgrade = TimeZoneInfo.FindSystemTimeZoneById("Europe/Belgrade");
    private static readonly OpeningHours Nights = new() { Saturday = ["18:00-03:30"], Sunday = ["01:30-02:30", "12:00-24:00"] };

    private static string[] On(OpeningHours hours, string date, TimeZoneInfo zone) =>
        [.. hours.On(DateOnly.Parse(date), zone).Select(i => $"{i.From.UtcDateTime:dd HH:mm}–{i.To.UtcDateTime:dd HH:mm}")];

    [Fact]
    public void The_day_of_23_hours()
    {
        Assert.Equal(["28 17:00–29 01:30"], On(Nights, "2026-03-28", Belgrade)); // 03:30 is summer time already: an hour less
        Assert.Equal(["29 00:30–29 01:00", "29 10:00–29 22:00"], On(Nights, "2026-03-29", Belgrade)); // 02:30 does not exist: the jump ends it
    }

    [Fact]
    public void The_day_of_25_hours()
    {
        Assert.Equal(["24 16:00–25 02:30"], On(Nights, "2026-10-24", Belgrade)); // an hour more
        Assert.Equal(["24 23:30–25 01:30", "25 11:00–25 23:00"], On(Nights, "2026-10-25", Belgrade)); // 02:30 comes twice: the second closes
    }

    [Fact]
    public void A_zone_without_daylight_saving_and_an_exception()
    {
        var hours = Nights with { Exceptions = new() { ["2026-10-24"] = [], ["2026-10-26"] = ["10:00-11:00"] } };
        var moscow = TimeZoneInfo.FindSystemTimeZoneById("Europe/Moscow");
        Assert.Empty(On(hours, "2026-10-24", moscow));
        Assert.Equal(["26 07:00–26 08:00"], On(hours, "2026-10-26", moscow));
        Assert.Equal(["24 22:30–24 23:30", "25 09:00–25 21:00"], On(hours, "2026-10-25", moscow));
    }

    [Fact]
    public void Slots_of_a_night_belong_to_its_first_day_and_come_once()
    {
        var plan = new SlotPlan { Site = "K", LengthMinutes = 30, Measure = SlotMeasure.Units, Capacity = 1, Days = 1, Hours = Nights };
        var calendar = new SlotCalendar(plan, Belgrade);
        var saturday = calendar.On(new DateOnly(2026, 10, 24)).Select(s => s.Start).ToList();
        var sunday = calendar.On(new DateOnly(2026, 10, 25)).Select(s => s.Start).ToList();
        Assert.Equal(21, saturday.Count); // 10.5 hours
        Assert.Empty(saturday.Intersect(sunday));
        Assert.Equal(24, sunday.Count); // what Saturday's night covers is Saturday's
    }

    [Theory]
    [InlineData("25:00-26:00")]
    [InlineData("11-12")]
    [InlineData("")]
    public void What_is_no_interval_is_named(string text)
    {
        var problems = new Problems();
        new OpeningHours { Monday = ["09:00-10:00", text], Exceptions = new() { ["soon"] = [] } }.Check("hours", problems);
        Assert.Equal(["hours.exceptions", "hours.monday[1]"], problems.ToRefusal().Errors!.Keys.Order());
    }

    /// Goal: the choice stays short with 10,000 open slots that all have a little room. Method: it is repeated in batches, and the best batch counts: whatever else the machine does makes the others slower.
    [Fact]
    public void Ten_thousand_nearly_full_slots_are_passed_over_quickly()
    {
        var plan = new SlotPlan { Site = "K", LengthMinutes = 15, Measure = SlotMeasure.Units, Capacity = 2, Days = 400, Hours = OpeningHours.Always };
        var calendar = new SlotCalendar(plan, TimeZoneInfo.Utc);
        var now = new DateTimeOffset(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);
        for (var i = 0; i < 10_000; i++) calendar.Set(now.ToUnixTimeSeconds() + i * 900L, 1);
        var expected = now.ToUnixTimeSeconds() + 10_000 * 900L;
        Assert.Equal(expected, calendar.Find(now, 2)![0].Start);
        const int Batches = 10, Times = 200;
        var best = TimeSpan.MaxValue;
        for (var batch = 0; batch < Batches; batch++)
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            for (var i = 0; i < Times; i++) Assert.Equal(expected, calendar.Find(now, 2)![0].Start);
            if (clock.Elapsed < best) best = clock.Elapsed;
        }
        Assert.True(best.TotalMilliseconds / Times < 1, $"{best.TotalMilliseconds / Times} ms per choice");
    }
}
