using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Hooks;
using Stowline.Log;
using Stowline.Tests.Hub;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hooks;

/// Goal: a listings service hears of its orders' status in its own words and by its own ids (F8). Method: a local double of it, orders of two channels.
[Trait("Needs", "server")]
public class OrderStatusHookTests
{
    [Theory, EveryDatabase]
    public async Task The_listings_service_hears_of_its_orders_only_and_of_changes_in_its_words_only(string store)
    {
        await using var listings = await HookReceiver.StartAsync();
        await using var hub = await HubNode.StartAsync(store);
        HookNode.Target(hub.Test).AllowPrivate = true;
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("A");
        await hub.GrantAsync("WH1", "A", 10);
        var hook = await hub.Test.HookAsync(new WebhookBody
        {
            Url = listings.Url + "/api/v1/orders/{id}/status", Profile = WebhookProfile.OrderStatus, Channel = "listings", Authorization = "Bearer let-me-in",
        });
        var theirs = (await hub.PlaceAsync(hub.Order("456", [("A", 2)], o => o with { Channel = "listings" }).Value)).Value;
        await hub.PlaceAsync("ours", ("A", 1));
        foreach (var (from, to) in new[] { ("allocated", "picking"), ("picking", "packing"), ("packing", "ready"), ("ready", "shipped") })
            await BecomesAsync(from, to);
        await hub.Test.SettleAsync();

        Assert.All(listings.Received, r => Assert.Equal("/api/v1/orders/456/status", r.Path));
        Assert.All(listings.Received, r => Assert.Equal("Bearer let-me-in", r.Headers["Authorization"]));
        var told = listings.Received.Select(r => JsonDocument.Parse(r.Body).RootElement).ToList();
        Assert.Equal(["confirmed", "processing", "ready_for_shipment", "shipped"], told.Select(b => b.GetProperty("status").GetString()));
        Assert.All(told, b => Assert.NotEmpty(b.GetProperty("message").GetString()!));
        Assert.Equal("ready", told[2].GetProperty("detail").GetString());

        // That one order is gone there says nothing about the others.
        listings.Answer = (_, response) =>
        {
            response.StatusCode = 410;
            return Task.CompletedTask;
        };
        await BecomesAsync("shipped", "delivered");
        await hub.Test.SettleAsync();
        Assert.Equal((5, true), (listings.Received.Count, (await hub.Test.ShowAsync(hook.Id)).Enabled));

        Task BecomesAsync(string from, string to) => hub.Test.RunAsync<bool>(Lane.Hub, tx =>
        {
            tx.Append(Lane.Hub, new OrderStatusChanged(Guid.Parse(theirs.Id), from, to), theirs.Id, Guid.Parse(theirs.Id));
            return ValueTask.FromResult<Stowline.Kernel.Outcome<bool>>(true);
        });
    }
}
