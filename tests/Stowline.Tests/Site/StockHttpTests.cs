using Stowline.Contracts;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// <summary>The contract's calls on stock, as a stranger makes them.</summary>
public sealed class StockHttpTests
{
    [Theory, EveryDatabase]
    public async Task Stock_goes_through_its_life_over_http(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.CallAsync("PUT", "sites/WH1/zones/S", """{"type":"storage"}""");
        await site.CallAsync("PUT", "sites/WH1/bins/A-01", """{"zone":"S"}""");
        var receipt = await site.CallAsync("POST", "sites/WH1/receipts", """
            {"reference":"PO-7","lines":[{"sku":"A 1#x","quantity":5,"lot":"L1","expires_on":"2027-01-31"},{"sku":"B","quantity":2,"bin":"A-01","serials":["S1","S2"]}]}
            """);
        Assert.Equal((201, 2), (receipt.Status, receipt.Body.GetProperty("movements").GetArrayLength()));
        Assert.Equal(10_000_000_001, receipt.Body.GetProperty("number").GetInt64());
        Assert.Equal(201, (await site.CallAsync("POST", "sites/WH1/moves", """{"sku":"A 1#x","quantity":4,"from_bin":"RECEIVING","to_bin":"A-01","lot":"L1"}""")).Status);
        Assert.Equal(201, (await site.CallAsync("POST", "sites/WH1/damages", """{"sku":"B","bin":"A-01","quantity":1,"reason":"wet"}""")).Status);
        Assert.Equal(201, (await site.CallAsync("POST", "sites/WH1/disposals", """{"sku":"B","bin":"A-01","quantity":1,"reason":"wet"}""")).Status);
        var stale = await site.CallAsync("POST", "sites/WH1/adjustments", """{"sku":"B","bin":"A-01","expected":2,"counted":0,"reason":"count"}""");
        Assert.Equal((409, "stale_quantity", 1), (stale.Status, stale.Body.GetProperty("code").GetString()!, stale.Body.GetProperty("on_hand").GetInt32()));

        var row = (await site.CallAsync("GET", "sites/WH1/stock?sku=A%201%23x&bin=A-01&lot=L1")).Body.GetProperty("items")[0];
        Assert.Equal((4, 4, "2027-01-31"), (row.GetProperty("on_hand").GetInt32(), row.GetProperty("available").GetInt32(), row.GetProperty("expires_on").GetString()!));
        var ledger = (await site.CallAsync("GET", "sites/WH1/movements?sku=B")).Body.GetProperty("items").EnumerateArray().ToList();
        Assert.Equal(["disposal", "damage", "receiving"], ledger.Select(m => m.GetProperty("kind").GetString()));
        Assert.All(ledger, m => Assert.Equal("ann", m.GetProperty("actor").GetString()));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Lists_are_paged_without_gaps_or_repeats(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        for (var i = 0; i < 7; i++) await site.ReceiveAsync("SKU" + i % 3, 1, lot: i == 6 ? null : "L" + i);
        foreach (var (path, key) in new[] { ("stock", "lot"), ("movements", "number") })
        {
            var seen = new List<string>();
            string? cursor = null;
            do
            {
                var page = (await site.CallAsync("GET", $"sites/WH1/{path}?limit=2" + (cursor is null ? "" : "&cursor=" + Uri.EscapeDataString(cursor)))).Body;
                seen.AddRange(page.GetProperty("items").EnumerateArray().Select(i => i.GetProperty(key).ToString()));
                cursor = page.GetProperty("next_cursor").GetString();
            } while (cursor is not null);
            Assert.Equal(7, seen.Count);
            Assert.Equal(7, seen.Distinct().Count());
        }
        Assert.Empty((await site.CallAsync("GET", "sites/WH1/movements?since=2030-01-01T00:00:00Z")).Body.GetProperty("items").EnumerateArray());
    }

    [Theory, EveryDatabase]
    public async Task Only_products_of_the_catalogue_are_received(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store, products: true);
        await site.CallAsync("PUT", "products/A", """{"name":"A","price":{"amount":"1.00","currency":"EUR"}}""");
        var answer = await site.CallAsync("POST", "sites/WH1/receipts", """{"reference":"PO","lines":[{"sku":"A","quantity":1},{"sku":"B","quantity":1}]}""");
        Assert.Equal((404, "product_not_found"), (answer.Status, answer.Body.GetProperty("code").GetString()!));
        Assert.True(answer.Body.GetProperty("errors").TryGetProperty("lines[1].sku", out _));
        Assert.Equal(201, (await site.CallAsync("POST", "sites/WH1/receipts", """{"reference":"PO","lines":[{"sku":"A","quantity":1}]}""")).Status);
    }

    /// Goal: nothing a stranger sends is answered with 500, and nothing of it stays.
    [Theory, EveryDatabase]
    public async Task Hostile_input_is_refused_by_name(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ReceiveAsync("A", 5);
        string[] values = ["null", "-1", "0", "1e99", "99999999999", "1.5", "\"\"", "\"x\\u0000y\"", "\"\\ud800\"", "[]", "{}", "true", "\"" + new string('x', 5000) + "\""];
        (string Path, string Template)[] calls =
        [
            ("receipts", """{"reference":"R","lines":[{"sku":@,"quantity":1}]}"""), ("receipts", """{"reference":"R","lines":[{"sku":"A","quantity":@}]}"""),
            ("receipts", """{"reference":"R","lines":[@]}"""), ("receipts", """{"reference":@,"lines":[]}"""), ("receipts", """{"reference":"R","lines":@}"""),
            ("receipts", """{"reference":"R","lines":[{"sku":"A","quantity":0,"expires_on":@}]}"""), ("receipts", """{"reference":"R","lines":[{"sku":"A","quantity":0,"bin":@}]}"""),
            ("receipts", """{"reference":"R","lines":[{"sku":"A","quantity":0,"lot":@}]}"""), ("receipts", """{"reference":"R","lines":[{"sku":"A","quantity":2,"serials":[@]}]}"""),
            ("receipts", """{"reference":"R","lines":[{"sku":"A","quantity":1,"expires_on":"0001-01-01","serials":@}]}"""),
            ("moves", """{"sku":@,"quantity":1,"from_bin":"RECEIVING","to_bin":"NONE"}"""), ("moves", """{"sku":"A","quantity":@,"from_bin":"RECEIVING","to_bin":"NONE"}"""),
            ("moves", """{"sku":"A","quantity":1,"from_bin":@,"to_bin":"STAGING"}"""), ("moves", """{"sku":"A","quantity":99,"from_bin":"RECEIVING","to_bin":"NONE","reason":@}"""),
            ("adjustments", """{"sku":"A","bin":"RECEIVING","delta":@,"reason":""}"""), ("adjustments", """{"sku":"A","bin":"RECEIVING","expected":@,"counted":1,"reason":"r"}"""),
            ("adjustments", """{"sku":"A","bin":"RECEIVING","delta":-99,"reason":@}"""), ("damages", """{"sku":"A","bin":@,"quantity":99,"reason":"r"}"""),
            ("disposals", """{"sku":"A","bin":"RECEIVING","quantity":@,"reason":"r"}"""), ("bins/bulk", """{"items":[@]}"""), ("bins/bulk", """{"items":@}"""),
            ("sales", """{"lines":[{"sku":@,"quantity":1}]}"""), ("sales", """{"lines":[{"sku":"A","quantity":@}]}"""), ("sales", """{"lines":[@]}"""), ("sales", """{"lines":@}"""),
            ("sales", """{"lines":[{"sku":"A","quantity":99,"bin":@}]}"""), ("sales", """{"reference":@,"lines":[{"sku":"A","quantity":1}]}"""), ("sales", """{"lines":[{"sku":"A","quantity":99}],"beyond_share":@}"""),
            ("bins/bulk", """{"items":[{"bin":@,"zone":"NONE"}]}"""), ("bins/bulk", """{"items":[{"bin":"Q","zone":@}]}"""),
        ];
        foreach (var (path, template) in calls)
            foreach (var value in values)
            {
                var (status, _) = await site.CallAsync("POST", "sites/WH1/" + path, template.Replace("@", value, StringComparison.Ordinal));
                Assert.True(status is 400 or 404 or 409, $"{path} {template} with {value}: {status}");
            }
        string[] queries = ["stock?cursor=%00", "stock?cursor=a~b", "stock?sku=%00", "stock?limit=0", "stock?lot=%27%3B--%00", "movements?cursor=x", "movements?since=never",
            "movements?cursor=99999999999999999999", "bins?type=box", "zones?cursor=%00", "bins?zone=%00"];
        foreach (var query in queries) Assert.Equal((query, 400), (query, (await site.CallAsync("GET", "sites/WH1/" + query)).Status));
        foreach (var path in new[] { "sites/~/stock", "sites/NONE/movements", "sites/WH1/bins/%09", "sites/WH1/zones/%C3%28" })
            Assert.Equal((path, 404), (path, (await site.CallAsync("GET", path)).Status));
        Assert.Equal(5, (await site.BooksAsync()).OnHand);
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_refused_command_says_what_is_there(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ReceiveAsync("A", 5);
        await site.BinsAsync("RECEIVING", "R-2");
        var answer = await site.CallAsync("POST", "sites/WH1/moves", """{"sku":"A","quantity":6,"from_bin":"RECEIVING","to_bin":"R-2"}""");
        Assert.Equal((409, "insufficient_stock", 5), (answer.Status, answer.Body.GetProperty("code").GetString()!, answer.Body.GetProperty("available").GetInt32()));
    }
}
