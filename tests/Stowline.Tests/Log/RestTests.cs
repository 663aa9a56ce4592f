using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Log;

public sealed class RestTests
{
    [Fact]
    public void Nobody_rests_before_the_first_look_and_everybody_for_as_long_as_was_said()
    {
        var time = new ManualTime();
        var rest = new Rest(time);
        Assert.True(rest.IsOver);
        rest.For(TimeSpan.FromMinutes(10));
        Assert.False(rest.IsOver);
        time.Advance(TimeSpan.FromMinutes(9.9));
        Assert.False(rest.IsOver);
        time.Advance(TimeSpan.FromMinutes(0.1));
        Assert.True(rest.IsOver);
    }

    [Theory]
    [InlineData(-26)]
    [InlineData(26)]
    public void A_clock_that_is_set_makes_no_rest_longer_or_shorter(int hours)
    {
        var time = new ManualTime();
        var rest = new Rest(time);
        rest.For(TimeSpan.FromMinutes(10));
        time.SetWrongBy(TimeSpan.FromHours(hours));
        Assert.False(rest.IsOver);
        time.Advance(TimeSpan.FromMinutes(10));
        Assert.True(rest.IsOver);
    }
}
