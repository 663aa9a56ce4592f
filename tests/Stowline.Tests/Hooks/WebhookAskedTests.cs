using Stowline.Hub.Hooks;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hooks;

/// Goal: an operator who has repaired an endpoint sees at once what comes of it. Method: a real HTTP server on loopback, virtual time that stands still.
[Trait("Needs", "server")]
public class WebhookAskedTests
{
    private static Guid Order(int i) => new($"01980000-0000-7000-8000-{i:D12}");

    [Theory, EveryDatabase]
    public async Task A_delivery_that_waits_for_its_time_goes_when_somebody_asks_for_it(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        receiver.Answer = (_, response) =>
        {
            response.StatusCode = 503;
            response.Headers.RetryAfter = "3600";
            return Task.CompletedTask;
        };
        await using var node = await HookNode.StartAsync(store);
        var hook = await node.HookAsync(receiver.Url);
        await node.HappenAsync(Order(1));
        await node.SettleAsync();
        receiver.Answer = null;
        await node.SettleAsync();
        Assert.Equal(["1:1:503"], await node.LogAsync(hook.Id));

        Assert.Equal(1, await ReplayAsync(node, hook.Id, new ReplayBody { Seq = 1 }));
        await node.SettleAsync();
        Assert.Equal(["2:1:204"], await node.LogAsync(hook.Id)); // with all its attempts before it again
        Assert.Single(receiver.Received.Select(r => r.Headers["webhook-id"]).Distinct());
    }

    [Theory, EveryDatabase]
    public async Task An_endpoint_that_is_left_alone_is_asked_at_once_when_somebody_wants_it(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        receiver.AnswerWith(503);
        await using var node = await HookNode.StartAsync(store);
        var hook = await node.HookAsync(receiver.Url);
        for (var i = 0; (await node.ShowAsync(hook.Id)).PausedUntil is not { } until || until <= node.Time.GetUtcNow(); i++)
        {
            await node.HappenAsync(Order(i));
            await node.SettleAsync();
        }
        var asked = receiver.Received.Count;
        await node.RunAsync(Lane.Hub, tx => Deliveries.TestAsync(hook.Id.ToString(), tx));
        await node.SettleAsync();
        Assert.Equal(asked + 1, receiver.Received.Count);
        await ReplayAsync(node, hook.Id, new ReplayBody { Seq = 1 });
        await node.SettleAsync();
        Assert.Equal(asked + 2, receiver.Received.Count);
    }

    [Theory, EveryDatabase]
    public async Task A_test_after_weeks_in_which_nobody_asked_does_not_switch_an_endpoint_off(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        receiver.AnswerWith(503);
        await using var node = await HookNode.StartAsync(store);
        var hook = await node.HookAsync(receiver.Url);
        await node.HappenAsync(Order(1));
        await node.SettleAsync();
        var failing = (await node.ShowAsync(hook.Id)).FailingSince;
        node.Time.Advance(TimeSpan.FromDays(30)); // the node was off
        await node.RunAsync(Lane.Hub, tx => Deliveries.TestAsync(hook.Id.ToString(), tx));
        await node.SettleAsync();
        var now = await node.ShowAsync(hook.Id);
        Assert.True(now.Enabled);
        Assert.Equal(failing + TimeSpan.FromDays(30), now.FailingSince);
    }

    [Theory, EveryDatabase]
    public async Task One_delivery_can_be_read_and_what_is_secret_cannot(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        await using var node = await HookNode.StartAsync(store);
        await using var http = await TestHttp.StartAsync(node);
        var (status, made) = await http.CallAsync("POST", "webhooks", $$"""{"url":"{{receiver.Url}}/in","authorization":"Bearer let-me-in"}""");
        var path = $"webhooks/{made.GetProperty("id").GetString()}";
        var shown = (await http.CallAsync("GET", path)).Body;
        Assert.Equal((201, true, 0), (status, shown.GetProperty("has_authorization").GetBoolean(), shown.GetProperty("failed").GetInt32()));
        Assert.DoesNotContain("let-me-in", shown.GetRawText(), StringComparison.Ordinal);
        var sent = (await http.CallAsync("POST", path + "/test")).Body;
        await node.SettleAsync();
        var (found, delivery) = await http.CallAsync("GET", $"{path}/deliveries/{sent.GetProperty("seq").GetInt64()}");
        Assert.Equal((200, sent.GetProperty("message_id").GetString(), 204), (found, delivery.GetProperty("message_id").GetString(), delivery.GetProperty("last_status").GetInt32()));
        foreach (var (wrong, code) in new[] { (path + "/deliveries/9", "delivery_not_found"), (path + "/deliveries/first", "delivery_not_found"), ("webhooks/none/deliveries/1", "webhook_not_found") })
        {
            var (refused, problem) = await http.CallAsync("GET", wrong);
            Assert.Equal((404, code), (refused, problem.GetProperty("code").GetString()));
        }
    }

    private static async Task<int> ReplayAsync(TestNode node, Guid hook, ReplayBody which) =>
        (await node.RunAsync(Lane.Hub, tx => Deliveries.ReplayAsync(hook.ToString(), which, tx))).Value.Deliveries;
}
