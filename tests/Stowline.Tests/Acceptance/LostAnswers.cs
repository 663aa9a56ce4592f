using System.Net;
using System.Net.Http.Json;
using Stowline.Tests.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// Goal: a COMMIT whose answer is lost, or that is lost itself, doubles no order and no receipt. Method: the real executable reaches PostgreSQL through a proxy that cuts connections at that very
/// moment; callers who are answered 503 ask again, as the contract tells them to.
[Trait("Needs", "server")]
public class LostAnswers
{
    private const int Rounds = 12;
    private const int OrdersPerRound = 6;

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_lost_commit_doubles_no_order_and_no_receipt(bool arrives)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync("postgres");
        await using var _ = drop;
        var there = new UriBuilder(database!);
        await using var proxy = new CommitProxy(there.Host, there.Port, "order.placed");
        (there.Host, there.Port, there.Query) = ("127.0.0.1", proxy.Port, "sslmode=disable");
        await using var server = await RunningServer.StartAsync(folder, there.Uri.ToString());
        await ServerPair.FillAsync(server);
        await server.DrainAsync();

        for (var round = 0; round < Rounds; round++)
        {
            proxy.CutNext(arrives ? Cut.AfterCommit : Cut.BeforeCommit);
            var orders = Enumerable.Range(0, OrdersPerRound).Select(n => AskAsync(server, "orders", ServerPair.Order($"{round}-{n}", quantity: 2), null));
            var receipt = AskAsync(server, "sites/WH1/receipts", new { reference = $"{round}", lines = new[] { new { sku = "S2", quantity = 7 } } }, $"receipt-{round}");
            await Task.WhenAll(orders.Append(receipt));
        }
        Assert.True(proxy.Cuts > Rounds / 2, $"only {proxy.Cuts} connections were cut");
        proxy.CutNext(Cut.No);

        string[] placed = [.. Enumerable.Range(0, Rounds).SelectMany(r => Enumerable.Range(0, OrdersPerRound).Select(n => $"{r}-{n}"))];
        await ServerPair.CheckAsync(server, placed);
        Assert.Equal(placed.Order(StringComparer.Ordinal), (await ServerPair.AllAsync(server, "orders?limit=200", "external_id")).Order(StringComparer.Ordinal));
        var books = (await server.GetAsync("availability?sku=S1&sku=S2")).GetProperty("items");
        Assert.Equal(1_000_000 - 2 * placed.Length, books[0].GetProperty("available").GetInt32());
        Assert.Equal(1_000_000 + 7 * Rounds, books[1].GetProperty("on_hand").GetInt32());
        Assert.Equal(Rounds, (await ServerPair.AllAsync(server, "sites/WH1/movements?sku=S2&limit=200", "reference")).Count(r => r != "fill"));
    }

    /// <summary>Asks until it is done. In between only 503 is right.</summary>
    private static Task AskAsync(RunningServer server, string path, object body, string? key) => ServerPair.UntilAsync($"POST {path} is answered", TimeSpan.FromMinutes(2), async () =>
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        using var answer = await server.Http.SendAsync(request);
        if (answer.IsSuccessStatusCode) return true;
        Assert.True(answer.StatusCode == HttpStatusCode.ServiceUnavailable, $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        return false;
    });
}
