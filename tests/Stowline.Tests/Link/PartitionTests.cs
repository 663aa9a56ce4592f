using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Link;
using Stowline.Log;
using Stowline.Site.Returns;
using Stowline.Site.Shipping;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// Goal: with the line cut both sides go on, and afterwards nothing is lost, doubled or oversold. Method: a hub and a site with a database each, the real link
/// between them over a network of the test's, virtual time; at the end the hub's view is compared with the site's books.
public class PartitionTests
{
    [Theory, EveryDatabase]
    public async Task A_site_serves_orders_through_the_link(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store, store);
        await nodes.ReceiveAsync("A", 10); // before it has ever seen the hub
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal(10, await nodes.Hub.AvailableAsync("A"));
        var order = (await nodes.OrderAsync("1", "A", 4)).Value;
        await nodes.DrainAsync();
        Assert.Equal(OrderStatus.Allocated, (await nodes.Hub.ReadAsync(order.Id)).Status);
        while (await nodes.WorkAsync()) await nodes.DrainAsync();
        Assert.Equal(OrderStatus.Shipped, (await nodes.Hub.ReadAsync(order.Id)).Status);
        Assert.Equal(6, await nodes.Hub.AvailableAsync("A"));
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_comes_back_damaged_is_damaged_at_the_hub_too(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        nodes.Connect();
        var body = new ReceiveReturnBody
        {
            Reference = "R1", Reason = "broken", Lines = [new ReturnLineBody { Sku = "A", Quantity = 3 }, new ReturnLineBody { Sku = "A", Quantity = 2, Condition = "damaged" }],
        };
        Assert.True((await nodes.Site.RunAsync(Lane.Site(TwoNodes.Code), tx => ReceiveReturn.DecideAsync(TwoNodes.Code, body, tx))).IsOk);
        await nodes.DrainAsync();
        Assert.Equal(3, await nodes.Hub.AvailableAsync("A"));
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task Cut_off_the_hub_sells_what_it_was_granted_and_not_one_more(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        nodes.Cut();
        Assert.True((await nodes.OrderAsync("1", "A", 3)).IsOk);
        await nodes.ReceiveAsync("A", 100); // the hub cannot know
        Assert.True((await nodes.OrderAsync("2", "A", 2)).IsOk);
        Assert.Equal("insufficient_stock", (await nodes.OrderAsync("3", "A", 1)).Refusal?.Code);
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal(100, await nodes.Hub.AvailableAsync("A"));
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task Cut_off_the_site_ships_and_the_hub_hears_of_it_later(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        var order = (await nodes.OrderAsync("1", "A", 3)).Value;
        await nodes.DrainAsync();
        nodes.Cut();
        while (await nodes.WorkAsync()) { }
        Assert.Equal(OrderStatus.Allocated, (await nodes.Hub.ReadAsync(order.Id)).Status);
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal(OrderStatus.Shipped, (await nodes.Hub.ReadAsync(order.Id)).Status);
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_cancellation_waits_for_the_sites_word(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        var (early, late) = ((await nodes.OrderAsync("1", "A", 2)).Value, (await nodes.OrderAsync("2", "A", 2)).Value);
        await nodes.DrainAsync();
        nodes.Cut();
        // The first leaves the site before it hears of the cancellation; the second does not.
        await nodes.WorkAsync();
        await nodes.WorkAsync();
        Assert.Equal(OrderStatus.Cancelling, (await nodes.CancelAsync(late.Id)).Value.Status);
        Assert.Equal(1, await nodes.Hub.AvailableAsync("A")); // not free again before the site has said so
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal(OrderStatus.Cancelled, (await nodes.Hub.ReadAsync(late.Id)).Status);
        Assert.NotEqual(OrderStatus.Cancelled, (await nodes.Hub.ReadAsync(early.Id)).Status);
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_was_shipped_before_the_cancellation_arrived_stays_shipped(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        var order = (await nodes.OrderAsync("1", "A", 2)).Value;
        await nodes.DrainAsync();
        nodes.Cut();
        while (await nodes.WorkAsync()) { }
        await nodes.CancelAsync(order.Id);
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal(OrderStatus.Shipped, (await nodes.Hub.ReadAsync(order.Id)).Status);
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task The_label_has_the_address_until_the_person_is_erased(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store, store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        var address = new AddressDetails(null, "Long Street 1", null, "Belgrade", null, "11000", "RS", null, null);
        await nodes.OrderAsync("1", "A", 2, b => b with { Customer = new CustomerDetails("Ana", "ana@example.com", null), ShipTo = address });
        await nodes.DrainAsync();
        nodes.Cut();
        while (await nodes.WorkAsync()) { }
        var packing = await nodes.Site.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM packing_tasks"));
        async Task<string> LabelAsync() => (await nodes.Site.Database.ReadAsync(s => Labels.RenderAsync(s, TwoNodes.Code, packing))).Value;
        Assert.Contains("Long Street 1", await LabelAsync());
        await EraseAsync(nodes);
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.DoesNotContain("Long Street 1", await LabelAsync());
        // The same person comes again: that is a new key, and the label has its address.
        await nodes.OrderAsync("2", "A", 1, b => b with { Customer = new CustomerDetails("Ana", "ana@example.com", null), ShipTo = address });
        await nodes.DrainAsync();
        while (await nodes.WorkAsync()) { }
        var next = await nodes.Site.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM packing_tasks ORDER BY id DESC"));
        Assert.Contains("Long Street 1", (await nodes.Site.Database.ReadAsync(s => Labels.RenderAsync(s, TwoNodes.Code, next))).Value);
        await nodes.DrainAsync();
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_late_copy_of_any_erased_key_is_not_taken(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store, store);
        var person = nodes.Site.Node.Ids.Next();
        byte[][] keys = [[1, 1], [2, 2], [3, 3]];
        Task<Outcome<Done>> AtSiteAsync(Func<LaneTransaction, ValueTask> act) => nodes.Site.RunAsync<Done>(Lane.Site(TwoNodes.Code), async tx =>
        {
            await act(tx);
            return new Done();
        });
        Task TakeAsync(byte[] key) => AtSiteAsync(tx => Personal.TakeAsync(tx, [new PersonKey(person, key, tx.Now)]));
        // Erased, come again, erased again: a frame from before all that may still be on its way.
        foreach (var key in keys[..2]) await AtSiteAsync(tx => Personal.FollowErasureAsync(tx, person, System.Security.Cryptography.SHA256.HashData(key), tx.Now));
        foreach (var key in keys[..2]) await TakeAsync(key);
        Assert.Null(await nodes.Site.Database.ReadAsync(async s => await Personal.KeyAsync(s, person)));
        await TakeAsync(keys[2]);
        Assert.Equal(keys[2], await nodes.Site.Database.ReadAsync(async s => await Personal.KeyAsync(s, person)));
    }

    internal static async Task EraseAsync(TwoNodes nodes) => await nodes.HubTest.RunAsync<Done>(Lane.Hub, async tx =>
    {
        var person = Personal.PersonOf("ana@example.com", null, Guid.Empty);
        tx.Append(Lane.HubAll, new PersonErased(person, await Personal.EraseAsync(tx, person)), person.ToString());
        return new Done();
    });

    /// Goal: nothing is lost or sold twice because a clock is wrong. Method: the site's clock is hours off, and jumps back and forth besides.
    [Theory]
    [InlineData(9)]
    [InlineData(-9)]
    public async Task A_clock_that_is_wrong_by_hours_costs_no_unit(int hours)
    {
        await using var nodes = await TwoNodes.StartAsync("sqlite", siteAhead: TimeSpan.FromHours(hours));
        nodes.Connect();
        await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        Assert.True((await nodes.OrderAsync("1", "A", 3)).IsOk);
        await nodes.DrainAsync();
        nodes.Cut();
        Assert.True((await nodes.OrderAsync("2", "A", 2)).IsOk);
        Assert.Equal("insufficient_stock", (await nodes.OrderAsync("3", "A", 1)).Refusal?.Code);
        while (await nodes.WorkAsync()) nodes.Site.Time.Advance(TimeSpan.FromHours(3));
        await nodes.ReceiveAsync("A", 4);
        nodes.Time.Advance(TimeSpan.FromHours(-5)); // somebody sets the hub's clock
        nodes.Connect();
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        await nodes.WorkOffAsync();
        await nodes.CompareAsync();
        Assert.Equal(4, await nodes.Hub.AvailableAsync("A"));
    }

    /// Goal: whatever the network and the power do. Method: a seed decides; every act may be refused, none may break the books.
    [Theory, EveryDatabase]
    public async Task Anything_may_happen(string store)
    {
        foreach (var seed in new[] { 1, 2, 3 }) await AnythingAsync(store, seed, 60);
    }

    [Theory, MemberData(nameof(Seeds))]
    public Task Anything_may_happen_with_many_seeds(int seed) => AnythingAsync("sqlite", seed, 120);

    public static TheoryData<int> Seeds => [.. Enumerable.Range(10, 12)];

    private static async Task AnythingAsync(string store, int seed, int steps)
    {
        await using var nodes = await TwoNodes.StartAsync(store, seed: seed);
        var random = new Random(seed);
        (nodes.Lost, nodes.Doubled, nodes.Late) = (random.Next(15), random.Next(15), random.Next(30));
        var orders = new List<string>();
        for (var i = 0; i < steps; i++)
        {
            switch (random.Next(13))
            {
                case 0 or 1: await nodes.ReceiveAsync(random.Next(2) == 0 ? "A" : "B", random.Next(1, 8)); break;
                case 2 or 3 or 4:
                    if ((await nodes.OrderAsync($"o{i}", random.Next(2) == 0 ? "A" : "B", random.Next(1, 5))) is { IsOk: true } placed) orders.Add(placed.Value.Id);
                    break;
                case 5: if (orders.Count > 0) await nodes.CancelAsync(orders[random.Next(orders.Count)]); break;
                case 6 or 7: await nodes.WorkAsync(random.Next(4) == 0 ? 0.5 : 1); break;
                case 8: await nodes.AdjustAsync(random.Next(2) == 0 ? "A" : "B", random.Next(-2, 2)); break;
                case 9: nodes.Cut(); break;
                case 10: nodes.Connect(); break;
                case 11: if (random.Next(2) == 0) await nodes.RestartHubAsync(); else await nodes.RestartSiteAsync(); break;
                case 12: nodes.Time.Advance(TimeSpan.FromSeconds(random.Next(20))); break;
            }
            for (var step = random.Next(4); step > 0; step--) await nodes.StepAsync();
        }
        (nodes.Lost, nodes.Doubled, nodes.Late) = (0, 0, 0);
        nodes.Connect();
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        // And to the end: every order that lives is served, once.
        await nodes.WorkOffAsync();
        await nodes.CompareAsync();
        await nodes.AllServedAsync();
    }
}
