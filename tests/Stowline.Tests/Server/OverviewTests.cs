using System.Text.Json;
using Stowline.Hub.Ordering;
using Stowline.Server;
using Stowline.Server.Hosting;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// Goal: the overview says what is so (W18), and lists of orders find what is stuck, late, of a day, or begins with a text (H5). Method: a small business over HTTP whose
/// every figure is known; the clock is moved by hand.
[Trait("Needs", "server")]
public class OverviewTests
{
    [Theory, EveryDatabase]
    public async Task The_overview_counts_work_short_stock_and_how_well_it_goes(string store)
    {
        await using var test = await TestNode.StartAsync(store);
        await using var host = ServerHost.Build(test.Node, new Configuration { Port = 0 });
        await host.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(host.Url) };
        var site = new Warehouse(http, "WH1");
        await site.OpenAsync(units: 10);
        await site.SendAsync(HttpMethod.Put, "sites/WH1/bins/B", new { zone = "S" });
        var shipped = await site.PlaceAsync("1");
        await site.StartPickingAsync(shipped);
        test.Time.Advance(TimeSpan.FromMinutes(6));
        await site.ShipAsync(shipped);
        await site.PostAsync("sites/WH1/adjustments", new { sku = "MUG", bin = "A", delta = -1, reason = "broken" });
        await site.PlaceAsync("2", quantity: 7); // the last ones
        await site.PostAsync("orders", new { external_id = "3", channel = "web", fulfillment_type = "ship", backorder = true, lines = new[] { new { sku = "MUG", quantity = 4 } } });

        test.Time.Advance(TimeSpan.FromMinutes(32)); // nobody has begun to pick the second order
        await new StuckWatch(test.Node).RunOnceAsync(default); // not the node's own: nobody can tell when that one looks
        var overview = await site.GetAsync("system/overview");
        Assert.Equal(1, overview.GetProperty("stuck").GetProperty("not_picked").GetInt32());
        var wh1 = overview.GetProperty("sites")[0];
        Assert.Equal(("WH1", "warehouse", 1, 7, 7, 0), (wh1.GetProperty("site").GetString(), wh1.GetProperty("type").GetString(), wh1.GetProperty("stuck").GetInt32(),
            wh1.GetProperty("on_hand").GetInt32(), wh1.GetProperty("promised").GetInt32(), wh1.GetProperty("free").GetInt32()));
        Assert.Equal((1, 0, 0), (wh1.GetProperty("work").GetProperty("to_pick").GetInt32(), wh1.GetProperty("work").GetProperty("picking").GetInt32(), wh1.GetProperty("work").GetProperty("packed").GetInt32()));
        var mug = Assert.Single(overview.GetProperty("short_stock").EnumerateArray());
        Assert.Equal(("MUG", 0, 7, 4), (mug.GetProperty("sku").GetString(), mug.GetProperty("free").GetInt32(), mug.GetProperty("promised").GetInt32(), mug.GetProperty("backordered").GetInt32()));
        var kpis = overview.GetProperty("kpis").EnumerateArray().ToDictionary(k => k.GetProperty("name").GetString()!, k => k.GetProperty("value"));
        Assert.Equal(Math.Round(6 / 7.0, 6), kpis["stock_accuracy"].GetDouble()); // one of the seven on hand was corrected
        Assert.Equal(6, kpis["picking_minutes"].GetDouble());
        Assert.Equal(0, kpis["return_rate"].GetDouble());
        Assert.Equal(0.5, kpis["bin_use"].GetDouble());
        Assert.Equal(1, kpis["stockout_rate"].GetDouble());
        Assert.Equal(JsonValueKind.Null, kpis["sync_seconds"].ValueKind);
        Assert.Equal(400, (int)(await http.GetAsync("/api/v1/system/overview?hours=0")).StatusCode);

        await FiltersAsync(site, http, test.Time.GetUtcNow());
        await host.StopAsync();
    }

    private static async Task FiltersAsync(Warehouse site, HttpClient http, DateTimeOffset now)
    {
        async Task<string> FindAsync(string query) =>
            string.Join(" ", (await site.GetAsync("orders?" + query)).GetProperty("items").EnumerateArray().Select(o => o.GetProperty("external_id").GetString()));
        Assert.Equal("2", await FindAsync("stuck=true"));
        Assert.Equal("2", await FindAsync("late=true&status=allocated&site=WH1"));
        Assert.Equal("", await FindAsync("late=true&status=shipped"));
        Assert.Equal("3 2", await FindAsync("since=" + Time(now.AddMinutes(-35))));
        Assert.Equal("1", await FindAsync("until=" + Time(now.AddMinutes(-35))));
        Assert.Equal("", await FindAsync("text=AB"));
        await site.PostAsync("sites/WH1/receipts", new { reference = "r2", lines = new[] { new { sku = "MUG", quantity = 20, bin = "A" } } });
        foreach (var external in new[] { "AB-1", "AB-2", "B-AB" }) await site.PlaceAsync(external, quantity: 1);
        Assert.Equal("AB-2 AB-1", await FindAsync("text=AB"));
        Assert.Equal("AB-2", await FindAsync("text=AB-2&status=allocated"));
        var number = (await site.GetAsync("orders/web:B-AB")).GetProperty("number").GetInt64();
        Assert.Contains("B-AB", await FindAsync("text=" + number));
        foreach (var bad in new[] { "text=" + new string('A', 129), "stuck=yes", "late=false", "until=soon" }) Assert.Equal(400, (int)(await http.GetAsync("/api/v1/orders?" + bad)).StatusCode);
    }

    private static string Time(DateTimeOffset at) => Uri.EscapeDataString(at.ToString("O"));
}
