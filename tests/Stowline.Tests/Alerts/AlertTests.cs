using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Stowline.Contracts;
using Stowline.Hub.Alerts;
using Stowline.Hub.Hooks;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Server.Operations;
using Stowline.Tests.Hooks;
using Stowline.Tests.Hub;
using Stowline.Tests.Support;

namespace Stowline.Tests.Alerts;

/// Goal: what is wrong is told once, and once when it is over, to all who should hear of it. Method: findings put in; a double of the Bot API; virtual time.
[Trait("Needs", "server")]
public class AlertTests
{
    private static Task<Outcome<int>> FindAsync(TestNode node, params AlertFinding[] found) =>
        node.RunAsync(Lane.Hub, tx => AlertBook.ReconcileAsync("", found, found.Select(f => f.Key).ToHashSet(), tx));

    private static AlertFinding Bad(int n) => new("stuck/no_progress", AlertSeverity.Warning, $"{n} orders are stuck");

    private static async Task<string> StoryAsync(TestNode node) =>
        string.Join(" ", (await node.Lanes.ReadAsync(Lane.Hub, 0, 1000)).Where(e => e.Type.StartsWith("alert.", StringComparison.Ordinal)).Select(e => e.Type["alert.".Length..]));

    [Theory, EveryDatabase]
    public async Task An_alert_is_raised_once_and_resolved_once_and_may_come_again(string store)
    {
        await using var node = await TestNode.StartAsync(store);
        await FindAsync(node, Bad(1));
        await FindAsync(node, Bad(1));
        await FindAsync(node, Bad(2), new AlertFinding("parked", AlertSeverity.Critical, "1 event"));
        Assert.Equal("raised raised", await StoryAsync(node));
        var open = await node.Database.ReadAsync(s => AlertBook.ListAsync(s, true, Guid.AllBitsSet, 10));
        Assert.Equal(["parked", "stuck/no_progress"], open.Select(a => a.Key));
        Assert.Equal("2 orders are stuck", open[1].Summary);
        var seen = (await node.RunAsync(Lane.Hub, tx => AlertBook.AcknowledgeAsync(open[1].Id.ToString(), tx))).Value;
        Assert.Equal("tester", seen.AcknowledgedBy);
        Assert.True((await node.RunAsync(Lane.Hub, tx => AlertBook.AcknowledgeAsync(open[1].Id.ToString(), tx))).Existing);
        await FindAsync(node);
        await FindAsync(node, Bad(1));
        Assert.Equal("raised raised acknowledged resolved resolved raised", await StoryAsync(node));
        Assert.Equal(2, (await node.Database.ReadAsync(s => AlertBook.ListAsync(s, false, Guid.AllBitsSet, 10))).Count);
        Assert.Equal("alert_not_found", (await node.RunAsync(Lane.Hub, tx => AlertBook.AcknowledgeAsync("x", tx))).Refusal!.Code);
        await node.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Telegram_hears_of_the_beginning_and_the_end_and_is_tried_until_it_takes_it(string store)
    {
        await using var telegram = await HookReceiver.StartAsync();
        await using var node = await TestNode.StartAsync(store);
        node.Node.Add(new AlertTelegram(node.Node, new TelegramSettings("123:abc", "-100", telegram.Url)));
        telegram.Answer = (_, response) =>
        {
            response.StatusCode = 429;
            return response.WriteAsync("""{"ok":false,"error_code":429,"parameters":{"retry_after":60}}""");
        };
        await FindAsync(node, Bad(1));
        await node.DrainAsync();
        node.Time.Advance(TimeSpan.FromSeconds(59));
        await node.DrainAsync();
        Assert.Single(telegram.Received);
        telegram.Answer = null;
        node.Time.Advance(TimeSpan.FromSeconds(2));
        await node.DrainAsync();
        await FindAsync(node, Bad(5));
        await FindAsync(node);
        await node.DrainAsync();
        await node.DrainAsync();

        Assert.All(telegram.Received, r => Assert.Equal("/bot123:abc/sendMessage", r.Path));
        string[] texts = [.. telegram.Received.Skip(1).Select(r => JsonDocument.Parse(r.Body).RootElement.GetProperty("text").GetString()!)];
        Assert.Equal(2, texts.Length);
        Assert.StartsWith("⚠️ Warning: 1 orders are stuck", texts[0]);
        Assert.StartsWith("✅ Resolved: 5 orders are stuck", texts[1]);
        Assert.All(telegram.Received, r => Assert.Equal("-100", JsonDocument.Parse(r.Body).RootElement.GetProperty("chat_id").GetString()));
    }

    [Theory, EveryDatabase]
    public async Task Telegram_hears_of_the_end_of_what_lasted_for_days(string store)
    {
        await using var telegram = await HookReceiver.StartAsync();
        await using var node = await TestNode.StartAsync(store);
        node.Node.Add(new AlertTelegram(node.Node, new TelegramSettings("123:abc", "-100", telegram.Url)));
        await FindAsync(node, Bad(1));
        await node.DrainAsync();
        node.Time.Advance(TimeSpan.FromDays(3));
        await node.DrainAsync();
        Assert.Single(telegram.Received);
        await FindAsync(node);
        await node.DrainAsync();
        Assert.StartsWith("✅ Resolved", JsonDocument.Parse(telegram.Received[^1].Body).RootElement.GetProperty("text").GetString());
        Assert.Equal(2, telegram.Received.Count);
    }

    [Theory, EveryDatabase]
    public async Task A_webhook_that_was_switched_off_is_an_alert_and_webhooks_hear_of_alerts(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        receiver.Answer = (r, response) =>
        {
            if (r.Path == "/gone") response.StatusCode = 410;
            return Task.CompletedTask;
        };
        await using var node = await HookNode.StartAsync(store);
        node.Node.Add(new AlertWatch(node.Node, new StatusEndpoints.Around("n", new Stowline.Server.Telemetry.Disk("/"), () => 0, node.Time.GetUtcNow())));
        await node.HookAsync(receiver.Url + "/alerts", "alert.*");
        var gone = await node.HookAsync(receiver.Url + "/gone");
        await node.HappenAsync(node.Node.Ids.Next());
        await node.SettleAsync();
        node.Time.Advance(TimeSpan.FromSeconds(31));
        await node.SettleAsync();
        node.Time.Advance(TimeSpan.FromSeconds(31));
        await node.SettleAsync();
        var told = JsonDocument.Parse(receiver.Received.Single(r => r.Path == "/alerts" && r.Text.Contains("webhook/", StringComparison.Ordinal)).Body).RootElement;
        Assert.Equal("alert.raised", told.GetProperty("type").GetString());
        Assert.Equal($"webhook/{gone.Id}", told.GetProperty("data").GetProperty("key").GetString());
    }

    /// Source 2 §12.3: the listings service is an external service, and the webhook with its words is how it is reached.
    [Theory, EveryDatabase]
    public async Task A_listings_service_that_is_away_for_five_minutes_is_critical_and_a_webhook_is_not(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        receiver.AnswerWith(503);
        await using var hub = await HubNode.StartAsync(store);
        HookNode.Target(hub.Test).AllowPrivate = true;
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("A");
        await hub.GrantAsync("WH1", "A", 10);
        var listings = await hub.Test.HookAsync(new WebhookBody { Url = receiver.Url + "/orders/{id}/status", Profile = WebhookProfile.OrderStatus, Channel = "listings" });
        await hub.Test.HookAsync(receiver.Url + "/any");
        hub.Test.Node.Add(new AlertWatch(hub.Test.Node, new StatusEndpoints.Around("n", new Stowline.Server.Telemetry.Disk("/"), () => 0, hub.Test.Time.GetUtcNow())));
        await hub.PlaceAsync(hub.Order("456", [("A", 2)], o => o with { Channel = "listings" }).Value);
        await hub.Test.SettleAsync();
        Assert.Equal("", await StoryAsync(hub.Test));
        hub.Test.Time.Advance(TimeSpan.FromMinutes(5) + TimeSpan.FromSeconds(31));
        await hub.Test.SettleAsync();
        var open = Assert.Single(await hub.Test.Database.ReadAsync(s => AlertBook.ListAsync(s, true, Guid.AllBitsSet, 10)), a => a.Key.StartsWith("webhook/", StringComparison.Ordinal));
        Assert.Equal(("webhook/" + listings.Id, AlertSeverity.Critical), (open.Key, open.Severity));
    }

    [Fact]
    public void Of_the_nodes_own_trouble_what_is_red_counts_and_the_disk_and_the_lag()
    {
        static string Of(params StatusReason[] reasons) => string.Join(" ", AlertWatch.OwnOf(reasons).Select(f => $"{f.Severity}:{f.Key}:{f.Summary}"));
        Assert.Equal("", Of(new StatusReason(StatusLight.Yellow, "pump_failing", "a"), new StatusReason(StatusLight.Yellow, "stuck", "b"), new StatusReason(StatusLight.Yellow, "queue_long", "c")));
        Assert.Equal("Critical:pump_failing:a; b", Of(new StatusReason(StatusLight.Red, "pump_failing", "a"), new StatusReason(StatusLight.Red, "pump_failing", "b")));
        Assert.Equal("Warning:disk_low:x", Of(new StatusReason(StatusLight.Yellow, "disk_low", "x")));
        // Of the brokers too, one alert for all queues of a kind.
        Assert.Equal("Warning:dead_letters:a; b Warning:relay_lag:c", Of(new StatusReason(StatusLight.Yellow, "dead_letters", "a"), new StatusReason(StatusLight.Yellow, "dead_letters", "b"),
            new StatusReason(StatusLight.Yellow, "relay_lag", "c")));
    }
}
