using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// Goal: a catalog and a warehouse of 100,000 each come in with one call each, and the node serves on. Method: the real executable over HTTP; counted by what the lists and a product say.
[Trait("Needs", "server")]
public class BulkCalls
{
    private const int Many = 100_000;

    [Theory, EveryDatabase]
    public async Task A_hundred_thousand_products_and_bins_come_in_with_one_call_each(string store)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync(store);
        await using var _ = drop;
        await using var server = await RunningServer.StartAsync(folder, database);
        server.Http.Timeout = TimeSpan.FromMinutes(5);
        var (put, post) = (HttpMethod.Put, HttpMethod.Post);
        await server.SendAsync(put, "sites/WH1", new { name = "WH1", type = "warehouse" });
        await server.SendAsync(put, "sites/WH1/zones/S", new { type = "storage" });

        var products = new { items = Enumerable.Range(0, Many).Select(i => new { sku = $"P-{i:D6}", name = $"Product {i}", price = new { amount = "1.25", currency = "EUR" }, weight_g = 100 + i % 900 }) };
        var saved = await server.SendAsync(post, "products/bulk", products);
        Assert.Equal((Many, 0), (saved.GetProperty("created").GetInt32(), saved.GetProperty("updated").GetInt32()));
        var bins = new { items = Enumerable.Range(0, Many).Select(i => new { bin = $"S-{i:D6}", zone = "S", type = "shelf", x_m = i % 300, y_m = i / 300 }) };
        await server.SendAsync(post, "sites/WH1/bins/bulk", bins);

        await server.DrainAsync();
        Assert.Equal("Product 99999", (await server.GetAsync("products/P-099999")).GetProperty("name").GetString());
        Assert.Equal(200, (await server.GetAsync("products?limit=200&cursor=P-099799")).GetProperty("items").GetArrayLength());
        Assert.Equal(200, (await server.GetAsync("sites/WH1/bins?limit=200")).GetProperty("items").GetArrayLength());
        await server.SendAsync(post, "sites/WH1/receipts", new { reference = "r", lines = new[] { new { sku = "P-099999", quantity = 3, bin = "S-099999" } } }, expect: 201);
        await server.SendAsync(post, "orders", new { lines = new[] { new { sku = "P-099999", quantity = 3 } } }, expect: 201);
        await server.SendAsync(post, "products/bulk", new { items = Enumerable.Range(0, Many + 1).Select(i => new { sku = $"Q-{i}", name = "x" }) }, expect: 400);
        await server.VerifyAsync();
    }
}
