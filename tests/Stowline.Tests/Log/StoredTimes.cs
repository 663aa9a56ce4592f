using Stowline.Store;

namespace Stowline.Tests.Log;

/// Goal: a time comes back from the store as it was written, and nothing else is taken for one. Method: pure.
public class StoredTimes
{
    [Fact]
    public void A_time_comes_back_as_it_was_written()
    {
        foreach (var at in new[]
                 {
                     DateTimeOffset.MinValue, DateTimeOffset.UnixEpoch, new DateTimeOffset(2024, 2, 29, 23, 59, 59, 999, 999, TimeSpan.Zero), new DateTimeOffset(2026, 11, 21, 8, 30, 1, 0, 7, TimeSpan.FromHours(2)),
                     RowTypes.ToMicroseconds(DateTimeOffset.MaxValue),
                 })
            Assert.Equal((at, TimeSpan.Zero), (RowTypes.ParseTime(RowTypes.Text(at)), RowTypes.ParseTime(RowTypes.Text(at)).Offset));
    }

    [Theory]
    [InlineData("")]
    [InlineData("2026-11-21")]
    [InlineData("2026-11-21T08:30:01.000007")]
    [InlineData("2026-11-21 08:30:01.000007Z")]
    [InlineData("2026-1a-21T08:30:01.000007Z")]
    [InlineData("2026-11-21T08:30:01.-00007Z")]
    public void What_is_no_time_of_the_store_is_said(string text) => Assert.Throws<FormatException>(() => RowTypes.ParseTime(text));
}
