using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Stowline.Contracts;
using Stowline.Hub.Hooks;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hooks;

/// Goal: whoever asked for events gets each at least once, in order per subject, whatever others do or fail to do. Method: a real HTTP server on loopback, virtual time.
[Trait("Needs", "server")]
public class WebhookTests
{
    private static Guid Order(int i) => new($"01980000-0000-7000-8000-{i:D12}");

    [Theory, EveryDatabase]
    public async Task Events_come_signed_in_order_and_only_those_asked_for(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        await using var node = await HookNode.StartAsync(store);
        await node.HappenAsync(Order(1), "before it was asked for");
        var hook = await node.HookAsync(receiver.Url + "/in", "order.held");
        for (var i = 0; i < 5; i++) await node.HappenAsync(Order(1 + i % 2), $"{i}");
        await node.RunAsync<Done>(Lane.Hub, tx =>
        {
            tx.Append(Lane.Hub, new OrderReleased(Order(1)), Order(1).ToString(), Order(1));
            return ValueTask.FromResult<Outcome<Done>>(new Done());
        });
        await node.SettleAsync();

        Assert.Equal(5, receiver.Received.Count);
        foreach (var request in receiver.Received)
        {
            Assert.Equal("/in", request.Path);
            Assert.True(HookSignature.Verify(hook.Secret, request.Headers["webhook-id"], request.Headers["webhook-timestamp"], request.Headers["webhook-signature"], request.Body, node.Time.GetUtcNow()));
            Assert.Equal("order.held", JsonDocument.Parse(request.Body).RootElement.GetProperty("type").GetString());
        }
        Assert.Equal(5, receiver.Received.Select(r => r.Headers["webhook-id"]).Distinct().Count());
        string[] first = [.. receiver.Received.Select(r => JsonDocument.Parse(r.Body).RootElement).Where(r => r.GetProperty("order_id").GetString() == Order(1).ToString())
            .Select(r => r.GetProperty("data").GetProperty("reason").GetString()!)];
        Assert.Equal(["0", "2", "4"], first);
        Assert.All(await node.LogAsync(hook.Id), line => Assert.Equal("2:1:204", line));
    }

    [Theory, EveryDatabase]
    public async Task A_failed_event_holds_up_its_subject_and_no_other_and_comes_again_later(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        await using var node = await HookNode.StartAsync(store);
        var broken = true;
        receiver.Answer = (request, response) =>
        {
            if (broken && request.Text.Contains(Order(1).ToString(), StringComparison.Ordinal)) response.StatusCode = 500;
            return Task.CompletedTask;
        };
        var hook = await node.HookAsync(receiver.Url);
        await node.HappenAsync(Order(1), "a");
        await node.HappenAsync(Order(1), "b");
        await node.HappenAsync(Order(2));
        await node.SettleAsync();
        Assert.Equal(["1:1:500", "1:0:-", "2:1:204"], await node.LogAsync(hook.Id));
        Assert.False(await node.Node.Pumps.OfType<HookSender>().Single().RunOnceAsync(default)); // the one behind it keeps nobody busy

        node.Time.Advance(TimeSpan.FromSeconds(3)); // the first wait is at least four
        await node.SettleAsync();
        Assert.Equal(2, receiver.Received.Count);
        broken = false;
        node.Time.Advance(TimeSpan.FromSeconds(4));
        await node.SettleAsync();
        Assert.Equal(["2:2:204", "2:1:204", "2:1:204"], await node.LogAsync(hook.Id));
        // The same message has the same id each time, by which a receiver knows it again.
        Assert.Single(receiver.Received.Where(r => r.Text.Contains("\"a\"", StringComparison.Ordinal)).Select(r => r.Headers["webhook-id"]).Distinct());
    }

    [Theory, EveryDatabase]
    public async Task An_endpoint_that_does_not_answer_delays_nobody(string store)
    {
        await using var slow = await HookReceiver.StartAsync();
        await using var quick = await HookReceiver.StartAsync();
        await using var node = await HookNode.StartAsync(store);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        slow.Answer = (_, _) => release.Task;
        var dead = await node.HookAsync(slow.Url);
        var live = await node.HookAsync(quick.Url);
        for (var i = 0; i < 3; i++)
        {
            await node.HappenAsync(Order(i));
            await PumpUntilAsync(node, () => quick.Received.Count == i + 1 && slow.Received.Count == 1);
        }
        while ((await node.ShowAsync(live.Id)).Pending > 0) await node.StepAsync(); // written down, before the clock moves for both
        Assert.Single(slow.Received); // the others wait for their turn: the endpoint has not answered yet
        node.Time.Advance(HookSender.Timeout);
        while ((await node.ShowAsync(dead.Id)).Failures == 0) await node.StepAsync();
        Assert.Equal(3, (await node.ShowAsync(dead.Id)).Pending);
        release.SetResult();
    }

    /// <summary>Steps the node until somebody else has seen something.</summary>
    private static async Task PumpUntilAsync(TestNode node, Func<bool> seen)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!seen())
        {
            limit.Token.ThrowIfCancellationRequested();
            if (!await node.StepAsync()) await Task.Yield();
        }
    }

    [Theory, EveryDatabase]
    public async Task A_dead_endpoint_is_probed_ever_less_and_switched_off_after_days(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        receiver.Answer = (_, response) =>
        {
            response.StatusCode = 503;
            return response.WriteAsync("out of order");
        };
        await using var node = await HookNode.StartAsync(store);
        var hook = await node.HookAsync(receiver.Url);
        for (var i = 0; i < 100; i++) await node.HappenAsync(Order(i));
        await node.SettleAsync();
        Assert.InRange(receiver.Received.Count, 3, 3 * 16); // three rounds of at most 16 side by side, then it is left alone
        for (var day = 0; day < 6 && (await node.ShowAsync(hook.Id)).Enabled; day++)
        {
            node.Time.Advance(TimeSpan.FromDays(1));
            await node.SettleAsync();
        }
        var off = await node.ShowAsync(hook.Id);
        Assert.False(off.Enabled);
        Assert.Contains("nothing was delivered for 5 days", off.DisabledReason);
        Assert.Contains(await node.Lanes.ReadAsync(Lane.Hub, 0, 1000), e => e.Type == WebhookChanged.Type && e.Read<WebhookChanged>().Change == "disabled");

        // Nothing is lost: once it is repaired and switched on it hears of all, also of what happened meanwhile.
        await node.HappenAsync(Order(100));
        receiver.Answer = null;
        await node.RunAsync(Lane.Hub, tx => SaveWebhook.SwitchAsync(hook.Id.ToString(), true, tx));
        await node.SettleAsync();
        Assert.Equal(0, (await node.ShowAsync(hook.Id)).Pending);
        Assert.All(await node.LogAsync(hook.Id), line => Assert.StartsWith("2:", line));
        Assert.Equal(101, (await node.LogAsync(hook.Id)).Count);
    }

    [Theory, EveryDatabase]
    public async Task Days_in_which_an_endpoint_was_not_asked_do_not_switch_it_off(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        receiver.AnswerWith(503);
        await using var node = await HookNode.StartAsync(store);
        var hook = await node.HookAsync(receiver.Url);
        await node.HappenAsync(Order(1));
        await node.SettleAsync();
        node.Time.Advance(TimeSpan.FromDays(30)); // the node was off
        await node.SettleAsync();
        Assert.True((await node.ShowAsync(hook.Id)).Enabled);
        for (var day = 0; day < 5; day++)
        {
            await node.HappenAsync(Order(day));
            node.Time.Advance(TimeSpan.FromDays(1));
            await node.SettleAsync();
        }
        Assert.False((await node.ShowAsync(hook.Id)).Enabled);
    }

    [Theory, EveryDatabase]
    public async Task An_endpoint_that_was_away_for_days_misses_nothing_and_hears_at_once_of_what_waited(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        receiver.AnswerWith(503);
        await using var node = await HookNode.StartAsync(store);
        var hook = await node.HookAsync(receiver.Url);
        for (var i = 0; i < 4; i++) await node.HappenAsync(Order(i));
        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromDays(4.9); passed += TimeSpan.FromMinutes(30))
        {
            await node.SettleAsync();
            node.Time.Advance(TimeSpan.FromMinutes(30));
        }
        var log = await node.LogAsync(hook.Id);
        Assert.Contains(log, line => int.Parse(line.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture) >= HookRetry.MostAttempts);
        Assert.All(log, line => Assert.StartsWith("1:", line));
        receiver.Answer = null;
        await node.HappenAsync(Order(9));
        await node.SettleAsync();
        Assert.All(await node.LogAsync(hook.Id), line => Assert.StartsWith("2:", line));
    }

    [Theory, EveryDatabase]
    public async Task Gone_switches_off_at_once_and_retry_after_is_believed(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        await using var node = await HookNode.StartAsync(store);
        receiver.Answer = (_, response) =>
        {
            response.StatusCode = 429;
            response.Headers.RetryAfter = "3600";
            return Task.CompletedTask;
        };
        var hook = await node.HookAsync(receiver.Url);
        await node.HappenAsync(Order(1));
        await node.SettleAsync();
        node.Time.Advance(TimeSpan.FromMinutes(59));
        await node.SettleAsync();
        Assert.Single(receiver.Received);
        receiver.AnswerWith(410);
        node.Time.Advance(TimeSpan.FromMinutes(2));
        await node.SettleAsync();
        Assert.False((await node.ShowAsync(hook.Id)).Enabled);
    }

    [Theory, EveryDatabase]
    public async Task Two_processes_send_nothing_twice_and_keep_the_order(string store)
    {
        if (store == "sqlite") return; // one process only
        await using var receiver = await HookReceiver.StartAsync();
        await using var node = await HookNode.StartAsync(store);
        await using var beside = await node.BesideAsync();
        HookNode.Target(beside).AllowPrivate = true;
        await node.HookAsync(receiver.Url);
        for (var i = 0; i < 20; i++) await node.HappenAsync(Order(i % 3), $"{i}");
        await Task.WhenAll(Task.Run(node.SettleAsync), Task.Run(beside.SettleAsync));
        await node.SettleAsync();
        Assert.Equal(20, receiver.Received.Count);
        foreach (var order in Enumerable.Range(0, 3).Select(Order))
        {
            int[] said = [.. receiver.Received.Select(r => JsonDocument.Parse(r.Body).RootElement).Where(r => r.GetProperty("order_id").GetString() == order.ToString())
                .Select(r => int.Parse(r.GetProperty("data").GetProperty("reason").GetString()!, System.Globalization.CultureInfo.InvariantCulture))];
            Assert.Equal(said.Order(), said);
        }
    }

    [Theory, EveryDatabase]
    public async Task Rotation_signs_with_both_secrets_for_a_while(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        await using var node = await HookNode.StartAsync(store);
        var old = await node.HookAsync(receiver.Url);
        var fresh = (await node.RunAsync(Lane.Hub, tx => SaveWebhook.RotateAsync(old.Id.ToString(), new RotateBody { OverlapHours = 1 }, tx))).Value;
        Assert.NotEqual(old.Secret, fresh.Secret);
        await node.HappenAsync(Order(1));
        await node.SettleAsync();
        Assert.Equal((true, true), (IsGood(old.Secret), IsGood(fresh.Secret)));
        node.Time.Advance(TimeSpan.FromHours(1));
        await node.HappenAsync(Order(2));
        await node.SettleAsync();
        Assert.Equal((false, true), (IsGood(old.Secret), IsGood(fresh.Secret)));

        bool IsGood(string secret) => receiver.Received[^1] is var r &&
            HookSignature.Verify(secret, r.Headers["webhook-id"], r.Headers["webhook-timestamp"], r.Headers["webhook-signature"], r.Body, node.Time.GetUtcNow());
    }

    [Theory, EveryDatabase]
    public async Task Nothing_personal_is_sent_unless_asked_for_and_nothing_of_the_erased(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        await using var node = await HookNode.StartAsync(store);
        var without = await node.HookAsync(receiver.Url + "/without");
        var with = await node.HookAsync(new WebhookBody { Url = receiver.Url + "/with", Personal = true });
        var person = Order(7);
        await node.RunAsync<Done>(Lane.Hub, async tx =>
        {
            var keys = await Personal.KeysAsync(tx, [person]);
            var plain = JsonSerializer.SerializeToUtf8Bytes(new PersonalDetails(new CustomerDetails("Žana", "z@example.org", null), null), ContractsJson.Default.PersonalDetails);
            var sealedBytes = Personal.Encrypt(keys[person], plain, node.Node.Ids);
            tx.Append(Lane.Hub, new OrderPlaced(Order(1), 1, "web", "x", "ship", Priority.Normal, "EUR", 0, [], [], new RoutingDecision("nearest", "", []), person, sealedBytes, null,
                "ring at Žana's"), Order(1).ToString(), Order(1));
            return new Done();
        });
        await node.SettleAsync();
        var told = receiver.Received.Single(r => r.Path == "/with").Text;
        Assert.Contains("\"name\":\"Žana\"", told);
        Assert.Contains("ring at", told);
        var untold = receiver.Received.Single(r => r.Path == "/without").Text;
        Assert.DoesNotContain("Žana", untold);
        Assert.All(new[] { told, untold }, t => Assert.DoesNotContain("personal", t));

        await node.RunAsync<bool>(Lane.Hub, async tx => await Personal.EraseAsync(tx, person) is not null);
        await node.RunAsync(Lane.Hub, tx => Deliveries.ReplayAsync(with.Id.ToString(), new ReplayBody { Seq = 1 }, tx));
        await node.SettleAsync();
        Assert.DoesNotContain("z@example.org", receiver.Received[^1].Text);
        Assert.Equal(receiver.Received.First(r => r.Path == "/with").Headers["webhook-id"], receiver.Received[^1].Headers["webhook-id"]);
        Assert.Equal(0, (await node.ShowAsync(without.Id)).Pending);
    }

    [Theory, EveryDatabase]
    public async Task A_delivery_is_given_up_after_its_last_attempt_and_can_be_replayed(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        await using var node = await HookNode.StartAsync(store);
        var bad = true;
        // Others get through, so the endpoint is not dead: this one event is what it cannot take.
        receiver.Answer = (r, response) =>
        {
            if (bad && r.Text.Contains("poison", StringComparison.Ordinal)) response.StatusCode = 422;
            return Task.CompletedTask;
        };
        var hook = await node.HookAsync(receiver.Url);
        await node.HappenAsync(Order(0), "poison");
        await node.HappenAsync(Order(0), "behind it");
        for (var i = 1; i <= HookRetry.MostAttempts + 2; i++)
        {
            await node.HappenAsync(Order(i));
            await node.SettleAsync();
            node.Time.Advance(TimeSpan.FromHours(29));
        }
        var log = await node.LogAsync(hook.Id);
        Assert.Equal(["3:12:422", "2:1:204"], log.Take(2));
        Assert.Equal(1, (await node.ShowAsync(hook.Id)).Failed);
        bad = false;
        Assert.Equal(1, (await node.RunAsync(Lane.Hub, tx => Deliveries.ReplayAsync(hook.Id.ToString(), new ReplayBody { Failed = true }, tx))).Value.Deliveries);
        await node.SettleAsync();
        Assert.Equal("2:1:204", (await node.LogAsync(hook.Id))[0]);
        await node.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task The_test_button_sends_at_once_and_a_deleted_webhook_gets_nothing(string store)
    {
        await using var receiver = await HookReceiver.StartAsync();
        await using var node = await HookNode.StartAsync(store);
        var hook = await node.HookAsync(receiver.Url);
        await node.RunAsync(Lane.Hub, tx => Deliveries.TestAsync(hook.Id.ToString(), tx));
        await node.SettleAsync();
        Assert.Contains("\"type\":\"webhook.test\"", Encoding.UTF8.GetString(receiver.Received.Single().Body));
        await node.HappenAsync(Order(1));
        await node.RunAsync(Lane.Hub, tx => SaveWebhook.DeleteAsync(hook.Id.ToString(), tx));
        await node.HappenAsync(Order(2));
        await node.SettleAsync();
        Assert.InRange(receiver.Received.Count, 1, 2); // what was in line may have left while it was deleted
        Assert.Empty(await node.LogAsync(hook.Id));
        await node.VerifyAsync();
    }
}
