using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// Goal: keys of people go with them, whichever history they came in. Method: as with the other joins.
public partial class JoinedHistories
{
    [Theory, EveryDatabase]
    public async Task A_person_who_came_in_both_histories_can_be_read_in_both_and_is_erased_in_both(string store)
    {
        await using var nodes = await StartAsync(store);
        await nodes.ReceiveAsync("A", 4);
        await ReceiveAtHubAsync(nodes, "B", 4);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        var ana = new CustomerDetails("Ana", "ana@example.com", null);
        var first = (await nodes.OrderAsync("1", "A", 1, b => b with { Customer = ana })).Value.Id;
        await nodes.DrainAsync();
        await GoOnWithoutAsync(nodes, backup);
        var second = (await nodes.OrderAsync("2", "B", 1, b => b with { Customer = ana })).Value.Id;
        await ComeBackAsync(nodes);
        var third = (await nodes.OrderAsync("3", "A", 1, b => b with { Customer = ana })).Value.Id; // gives the site both keys
        await nodes.DrainAsync();
        foreach (var order in new[] { first, second, third }) Assert.Equal(ana, (await nodes.Hub.ReadAsync(order)).Customer);
        Assert.True(await IsReadableAtSiteAsync(nodes, first) && await IsReadableAtSiteAsync(nodes, third));

        await PartitionTests.EraseAsync(nodes);
        await nodes.DrainAsync();
        foreach (var order in new[] { first, second, third }) Assert.Null((await nodes.Hub.ReadAsync(order)).Customer);
        foreach (var node in new[] { nodes.HubTest, nodes.Site }) Assert.Equal(0, await CountAsync(node, "SELECT COUNT(*) FROM people WHERE key IS NOT NULL"));
    }

    /// Somebody is erased, comes again and is erased again; the site, cut off, still has the first key, and gives it back when it joins.
    [Theory, EveryDatabase]
    public async Task Each_key_that_was_erased_stays_erased_when_a_site_brings_it(string store)
    {
        await using var nodes = await StartAsync(store);
        await nodes.ReceiveAsync("A", 4);
        await ReceiveAtHubAsync(nodes, "B", 4);
        await nodes.DrainAsync();
        var ana = new CustomerDetails("Ana", "ana@example.com", null);
        await nodes.Hub.PlaceAsync(nodes.Hub.Order("1", [("B", 1)], b => b with { Customer = ana }).Value);
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        var first = (await nodes.OrderAsync("2", "A", 1, b => b with { Customer = ana })).Value.Id;
        await nodes.DrainAsync();
        await GoOnWithoutAsync(nodes, backup);
        await PartitionTests.EraseAsync(nodes);
        await nodes.Hub.PlaceAsync(nodes.Hub.Order("3", [("B", 1)], b => b with { Customer = ana }).Value);
        await PartitionTests.EraseAsync(nodes);
        await ComeBackAsync(nodes);
        Assert.Null((await nodes.Hub.ReadAsync(first)).Customer);
        foreach (var node in new[] { nodes.HubTest, nodes.Site }) Assert.Equal(0, await CountAsync(node, "SELECT COUNT(*) FROM people WHERE key IS NOT NULL"));
    }

    /// The restored hub knows nothing of a person whom it is told to erase; the site does. Then the person comes again, which is somebody new.
    [Theory, EveryDatabase]
    public async Task Who_was_erased_before_a_site_brought_the_key_is_erased_there_too(string store)
    {
        await using var nodes = await StartAsync(store);
        await nodes.ReceiveAsync("A", 4);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        var ana = new CustomerDetails("Ana", "ana@example.com", null);
        var first = (await nodes.OrderAsync("1", "A", 1, b => b with { Customer = ana })).Value.Id;
        await nodes.DrainAsync();
        Assert.True(await IsReadableAtSiteAsync(nodes, first));
        await GoOnWithoutAsync(nodes, backup);
        nodes.Advance(TimeSpan.FromSeconds(1));
        await PartitionTests.EraseAsync(nodes);
        await ComeBackAsync(nodes);
        Assert.Null((await nodes.Hub.ReadAsync(first)).Customer);
        Assert.False(await IsReadableAtSiteAsync(nodes, first));
        foreach (var node in new[] { nodes.HubTest, nodes.Site }) Assert.Equal(0, await CountAsync(node, "SELECT COUNT(*) FROM people WHERE key IS NOT NULL"));
        nodes.Advance(TimeSpan.FromSeconds(1));
        var again = (await nodes.OrderAsync("2", "A", 1, b => b with { Customer = ana })).Value.Id;
        await nodes.DrainAsync();
        Assert.True(await IsReadableAtSiteAsync(nodes, again));
        Assert.False(await IsReadableAtSiteAsync(nodes, first));
    }

    private sealed record Sealed0 { public Guid PersonId { get; init; } public byte[] Personal { get; init; } = []; }

    private static async Task<bool> IsReadableAtSiteAsync(TwoNodes nodes, string order)
    {
        var part = await nodes.Site.Database.ReadAsync(async s => await s.FindAsync<Sealed0>("SELECT person_id, personal FROM fulfillment_orders WHERE order_id = @id", new { id = Guid.Parse(order) }));
        return Personal.Decrypt(await nodes.Site.Database.ReadAsync(async s => await Personal.KeyAsync(s, part!.PersonId)), part!.Personal) is not null;
    }
}
