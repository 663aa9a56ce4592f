using Stowline.Log;
using Stowline.Site.Topology;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// <summary>Zones and bins of a site (W2), as a stranger calls them.</summary>
public sealed class TopologyTests
{
    [Theory]
    [InlineData("A-2", "A-10")]
    [InlineData("A", "A-1")]
    [InlineData("B-9-1", "B-10-1")]
    public void The_walk_compares_numbers_as_numbers(string first, string second) =>
        Assert.True(string.CompareOrdinal(BinOrder.Natural(first), BinOrder.Natural(second)) < 0);

    [Fact]
    public void The_walk_goes_by_aisle_then_position_then_from_the_lowest_level()
    {
        var bins = new[] { ("x", "2", "1", "1"), ("y", "1", "10", "1"), ("z", "1", "2", "3"), ("w", "1", "2", "1") };
        Assert.Equal(["w", "z", "y", "x"], bins.OrderBy(b => BinOrder.Of(b.Item1, b.Item2, b.Item3, b.Item4), StringComparer.Ordinal).Select(b => b.Item1));
    }

    [Theory, EveryDatabase]
    public async Task Zones_and_bins_are_saved_listed_and_found(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        var zone = await site.CallAsync("PUT", "sites/WH1/zones/COLD", """
            {"type":"storage","storage_class":"cold","temperature_min_c":2,"temperature_max_c":8,"humidity_min":30,"humidity_max":60,"area_m2":12.5,"max_weight_g":500000}
            """);
        Assert.True(zone.Status == 200, zone.Body.ToString());
        Assert.Equal((200, "cold"), (zone.Status, zone.Body.GetProperty("storage_class").GetString()!));
        var bin = await site.CallAsync("PUT", "sites/WH1/bins/A%2F1", """{"zone":"COLD","type":"shelf","aisle":"A","position":1,"level":"2","x_m":1.25,"y_m":-3,"barcode":"B1"}""");
        Assert.Equal((200, "A/1", 1.25, true, "1"),
            (bin.Status, bin.Body.GetProperty("bin").GetString()!, bin.Body.GetProperty("x_m").GetDouble(), bin.Body.GetProperty("pickable").GetBoolean(), bin.Body.GetProperty("position").GetString()!));
        Assert.Equal(200, (await site.CallAsync("GET", "sites/WH1/bins/A%2F1")).Status);
        Assert.Equal("Returns", SnakeToName((await site.CallAsync("PUT", "sites/WH1/zones/R", """{"type":"returns"}""")).Body.GetProperty("type").GetString()!));

        var first = (await site.CallAsync("GET", "sites/WH1/zones?limit=2")).Body;
        Assert.Equal(["COLD", "R"], first.GetProperty("items").EnumerateArray().Select(z => z.GetProperty("zone").GetString()));
        var rest = (await site.CallAsync("GET", "sites/WH1/zones?limit=2&cursor=" + first.GetProperty("next_cursor").GetString())).Body;
        Assert.Equal(["RECEIVING", "STAGING"], rest.GetProperty("items").EnumerateArray().Select(z => z.GetProperty("zone").GetString()));
        Assert.Single((await site.CallAsync("GET", "sites/WH1/bins?zone=COLD&type=shelf")).Body.GetProperty("items").EnumerateArray());
    }

    private static string SnakeToName(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    [Theory, EveryDatabase]
    public async Task A_bulk_call_saves_many_bins_and_says_how_many_were_new(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ZoneAsync("S", ZoneType.Storage);
        await site.BinsAsync("S", "A-1", "A-2");
        var items = string.Join(",", Enumerable.Range(1, 3000).Select(i => $$"""{"bin":"A-{{i}}","zone":"S"}"""));
        var answer = await site.CallAsync("POST", "sites/WH1/bins/bulk", $$"""{"items":[{{items}}]}""");
        Assert.Equal((200, 2998, 2), (answer.Status, answer.Body.GetProperty("created").GetInt32(), answer.Body.GetProperty("updated").GetInt32()));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_is_wrong_with_a_bin_is_named(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ZoneAsync("S", ZoneType.Storage);
        await site.CallAsync("PUT", "sites/WH1/bins/A-1", """{"zone":"S","barcode":"B1"}""");
        (string Path, string Body, int Status, string Code)[] cases =
        [
            ("sites/WH1/bins/A-2", """{"zone":"NONE"}""", 404, "zone_not_found"),
            ("sites/WH1/bins/A-2", """{"zone":"S","barcode":"B1"}""", 409, "barcode_taken"),
            ("sites/WH1/bins/A-2", """{"zone":"S","x_m":1e300}""", 400, "invalid_request"),
            ("sites/WH1/bins/A-2", """{"zone":"S","max_weight_g":-1}""", 400, "invalid_request"),
            ("sites/WH1/bins/A-2", """{"zone":"S","type":"box"}""", 400, "invalid_request"),
            ("sites/WH1/bins/A%09x", """{"zone":"S"}""", 400, "invalid_request"),
            ("sites/WH1/bins/STAGING", """{"zone":"S"}""", 409, "bin_built_in"),
            ("sites/WH1/zones/STAGING", """{"type":"storage"}""", 409, "zone_built_in"),
            ("sites/WH1/zones/Z", """{"type":"storage","temperature_min_c":9,"temperature_max_c":8}""", 400, "invalid_request"),
            ("sites/WH1/zones/Z", "{}", 400, "invalid_request"),
            ("sites/NONE/zones/Z", """{"type":"storage"}""", 404, "site_not_found"),
            ("sites/~/zones/Z", """{"type":"storage"}""", 404, "site_not_found"),
        ];
        foreach (var (path, body, status, code) in cases)
        {
            var answer = await site.CallAsync("PUT", path, body);
            Assert.Equal((path, status, code), (path, answer.Status, answer.Body.GetProperty("code").GetString()!));
        }
        Assert.Equal(400, (await site.CallAsync("POST", "sites/WH1/bins/bulk", """{"items":[{"bin":"A-5","zone":"S"},{"bin":"A-5","zone":"S"}]}""")).Status);
        Assert.Equal(400, (await site.CallAsync("POST", "sites/WH1/bins/A-1/lock", "{}")).Status);
        Assert.Equal(404, (await site.CallAsync("POST", "sites/WH1/bins/A-9/lock", """{"reason":"x"}""")).Status);
        Assert.Equal(409, (await site.CallAsync("POST", "sites/WH1/bins/STAGING/lock", """{"reason":"x"}""")).Status);
        Assert.Equal(200, (await site.CallAsync("POST", "sites/WH1/bins/A-1/lock", """{"reason":"x"}""")).Status);
        Assert.Equal(200, (await site.CallAsync("POST", "sites/WH1/bins/A-1/unlock")).Status);
        Assert.Single(await site.EventsAsync("bin.locked"));
        await site.VerifyAsync();
    }
}
