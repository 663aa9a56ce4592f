using Stowline.Contracts;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// Goal: a link that is cut or behind for too long is told once, and its end too; a hiccup is not. Method: two nodes on one clock of the test's; what the hub's lane tells.
public class LinkAlertTests
{
    [Theory, EveryDatabase]
    public async Task A_link_that_is_cut_for_too_long_is_told_once_and_so_is_its_end(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        nodes.Connect();
        await nodes.DrainAsync();
        nodes.Cut();
        await PassAsync(nodes, 20);
        nodes.Connect();
        await PassAsync(nodes, 5);
        Assert.Empty(await ToldAsync(nodes)); // a hiccup

        nodes.Cut();
        await PassAsync(nodes, 25);
        Assert.Empty(await ToldAsync(nodes));
        await PassAsync(nodes, 60);
        Assert.Equal(["+cut"], await ToldAsync(nodes));
        nodes.Connect();
        await PassAsync(nodes, 5);
        Assert.Equal(["+cut", "-cut"], await ToldAsync(nodes));
        await nodes.DrainAsync();
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_link_that_is_behind_for_too_long_is_told_once_and_so_is_its_end(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        nodes.Connect();
        await nodes.DrainAsync();
        nodes.LosesBatches = true; // the two hear each other, and nothing comes of it
        await nodes.Hub.ProductsAsync("C");
        await nodes.ReceiveAsync("A", 5);
        await PassAsync(nodes, 50);
        Assert.Empty(await ToldAsync(nodes));
        await PassAsync(nodes, 60);
        Assert.Equal(["+lag"], await ToldAsync(nodes));
        nodes.LosesBatches = false;
        await PassAsync(nodes, 60); // by now it is sent again only every 48 seconds
        Assert.Equal(["+lag", "-lag"], await ToldAsync(nodes));
        await nodes.DrainAsync();
        await nodes.CompareAsync();
    }

    private static async Task PassAsync(TwoNodes nodes, int seconds)
    {
        for (var second = 0; second < seconds; second++)
        {
            nodes.Advance(TimeSpan.FromSeconds(1));
            while (await nodes.StepAsync()) { }
        }
    }

    private static async Task<string[]> ToldAsync(TwoNodes nodes) =>
    [
        .. (await nodes.Hub.LaneAsync(Lane.Hub)).Where(e => e.Type == LinkAlerted.Type || e.Type == LinkCleared.Type)
            .Select(e => e.Type == LinkAlerted.Type ? "+" + e.Read<LinkAlerted>().Alert : "-" + e.Read<LinkCleared>().Alert),
    ];
}
