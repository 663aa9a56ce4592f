using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Stowline.Tests.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// Goal: however many fight for the last units, exactly the stock is promised. Method: 64 clients, each with connections of its own, order over HTTP until there is nothing left for anybody.
[Trait("Needs", "server")]
public class LastUnits
{
    private const int Clients = 64;
    private const int Stock = 150;

    [Theory, EveryDatabase]
    public async Task Exactly_the_stock_is_promised_by_one_server(string store)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync(store);
        await using var _ = drop;
        await using var server = await RunningServer.StartAsync(folder, database);
        await FightAsync(server);
    }

    [SkippableTheory]
    [InlineData("postgres")]
    public async Task Exactly_the_stock_is_promised_by_two_processes_on_one_database(string store)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync(store);
        await using var _ = drop;
        await using var pair = await ServerPair.StartAsync(folder, database!);
        await FightAsync(pair.A, pair.B);
    }

    private static async Task FightAsync(params RunningServer[] servers)
    {
        var first = servers[0];
        await first.SendAsync(HttpMethod.Put, "products/LAST", new { name = "Last", price = new { amount = "1.00", currency = "EUR" } });
        foreach (var (site, units) in new[] { ("WH1", Stock / 3), ("WH2", Stock - Stock / 3) })
        {
            await first.SendAsync(HttpMethod.Put, "sites/" + site, new { name = site, type = "warehouse" });
            await first.SendAsync(HttpMethod.Post, $"sites/{site}/receipts", new { reference = "last", lines = new[] { new { sku = "LAST", quantity = units } } }, expect: 201);
        }
        await first.DrainAsync();

        var promised = await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => FightAsync(servers[client % servers.Length].Http.BaseAddress!, client)));
        Assert.Equal(Stock, promised.Sum());
        Assert.True(promised.Count(p => p > 0) > 1, "one client got it all: there was no fight");
        foreach (var server in servers)
        {
            await server.DrainAsync();
            var left = (await server.GetAsync("availability?sku=LAST")).GetProperty("items")[0];
            Assert.Equal((Stock, Stock, 0), (left.GetProperty("on_hand").GetInt32(), left.GetProperty("reserved").GetInt32(), left.GetProperty("available").GetInt32()));
        }
        await first.VerifyAsync();
    }

    /// <summary>Orders one to three units at a time, and the last ones singly. Answers how many were promised.</summary>
    private static async Task<int> FightAsync(Uri address, int client)
    {
        using var http = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(2) };
        var random = new Random(client);
        var (promised, quantity) = (0, random.Next(1, 4));
        for (var n = 0; ; n++)
        {
            using var answer = await http.PostAsJsonAsync("orders", new { channel = "fight", external_id = $"{client}-{n}", lines = new[] { new { sku = "LAST", quantity } } });
            if (answer.StatusCode == HttpStatusCode.Created)
            {
                promised += quantity;
                quantity = random.Next(1, 4);
                continue;
            }
            var text = await answer.Content.ReadAsStringAsync();
            Assert.True(answer.StatusCode == HttpStatusCode.Conflict, $"{(int)answer.StatusCode} {text}");
            Assert.Equal("insufficient_stock", JsonDocument.Parse(text).RootElement.GetProperty("code").GetString());
            if (quantity == 1) return promised;
            quantity = 1;
        }
    }
}
