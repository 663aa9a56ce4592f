using Stowline.Adapters.Brokers;
using Stowline.Hub.Ordering;
using Stowline.Log;
using Stowline.Tests.Hub;
using Stowline.Tests.Support;

namespace Stowline.Tests.Brokers;

/// Goal: an event that a broker refuses holds nobody up and is not lost: an operator sees it, and sends it after a repair or gives it up. Method: a broker that
/// refuses what it is told to, on both databases.
public class RelayParkedTests
{
    /// <summary>Stands for a broker with a limit.</summary>
    private sealed class Picky : IBrokerOut
    {
        public HashSet<string> Refused { get; } = [];
        public List<string> Taken { get; } = [];
        public bool IsAway { get; set; }

        /// <summary>Confirms nothing before this is done.</summary>
        public Task Confirms { get; set; } = Task.CompletedTask;
        public string Name => "picky";
        public string? Trouble => null;

        public IOutgoingBatch Begin() => new CollectedBatch(PublishAsync);

        private async Task<IReadOnlyList<(int Index, string Reason)>> PublishAsync(IReadOnlyList<OutgoingMessage> messages, CancellationToken ct)
        {
            if (IsAway) throw new IOException("away");
            await Confirms;
            Taken.AddRange(messages.Select(m => m.Key).Where(k => !Refused.Contains(k)));
            return [.. messages.Index().Where(m => Refused.Contains(m.Item.Key)).Select(m => (m.Index, "too large"))];
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    [Theory, EveryDatabase]
    public async Task An_event_that_a_broker_refused_is_sent_after_a_repair(string store)
    {
        await using var hub = await StartAsync(store);
        var test = hub.Test;
        var broker = new Picky();
        await using var relay = new OrderRelay(test.Lanes, broker, new HashSet<string> { "order.placed" });
        var one = (await hub.PlaceAsync(null, ("A", 1))).Value.Id;
        broker.Refused.Add(one);
        var two = (await hub.PlaceAsync(null, ("A", 1))).Value.Id;
        while (await test.PumpUntilAsync(relay.RunOnceAsync(default).AsTask())) { }
        Assert.Equal([two], broker.Taken);
        Assert.Equal(("picky", "hub", one, "too large"), Assert.Single((await ParkedAsync(test)).Select(p => (p.Consumer, p.Lane, p.Subject, p.Error))));

        Assert.Equal("still_refused", (await test.PumpUntilAsync(relay.ResumeAsync(one, default))).Refusal!.Code);
        Assert.Equal(2, Assert.Single(await ParkedAsync(test)).Attempts);
        broker.Refused.Clear();
        broker.IsAway = true;
        Assert.Equal("broker_away", (await test.PumpUntilAsync(relay.ResumeAsync(one, default))).Refusal!.Code);
        broker.IsAway = false;
        Assert.Equal(1, (await test.PumpUntilAsync(relay.ResumeAsync(one, default))).Value);
        Assert.Equal([two, one], broker.Taken);
        Assert.Empty(await ParkedAsync(test));
        Assert.Equal("not_parked", (await test.PumpUntilAsync(relay.ResumeAsync(one, default))).Refusal!.Code);
    }

    [Theory, EveryDatabase]
    public async Task An_event_that_a_broker_refused_can_be_given_up_with_a_reason(string store)
    {
        await using var hub = await StartAsync(store);
        var test = hub.Test;
        var broker = new Picky();
        await using var relay = new OrderRelay(test.Lanes, broker, new HashSet<string> { "order.placed" });
        var one = (await hub.PlaceAsync(null, ("A", 1))).Value.Id;
        broker.Refused.Add(one);
        while (await test.PumpUntilAsync(relay.RunOnceAsync(default).AsTask())) { }
        Assert.Equal(1, (await test.PumpUntilAsync(relay.DiscardAsync(one, null, "nobody needs it", TestNode.Tester, default))).Value);
        Assert.Empty(await ParkedAsync(test));
        Assert.Contains(await test.Lanes.ReadAsync(Lane.Hub, 0, 1_000, default), e => e.Type == ParkedDiscarded.Type && e.Subject == one);
        await test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_broker_that_does_not_confirm_is_a_failing_pump_until_it_does(string store)
    {
        await using var hub = await StartAsync(store);
        var test = hub.Test;
        var confirmed = new TaskCompletionSource();
        var broker = new Picky { Confirms = confirmed.Task };
        await using var relay = new OrderRelay(test.Lanes, broker, new HashSet<string> { "order.placed" });
        await hub.PlaceAsync(null, ("A", 1));
        var step = relay.RunOnceAsync(default).AsTask();
        for (var look = 0; look < 1_000 && relay.FailingSince is null; look++)
        {
            await test.StepAsync();
            test.Time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.NotNull(relay.FailingSince);
        Assert.Contains("not acknowledged", relay.LastError);
        Assert.Empty(broker.Taken);
        confirmed.SetResult();
        Assert.True(await test.PumpUntilAsync(step));
        Assert.Null(relay.FailingSince);
        Assert.Null(relay.LastError);
        Assert.Single(broker.Taken);
    }

    private static async Task<HubNode> StartAsync(string store)
    {
        var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("A");
        await hub.GrantAsync("WH1", "A", 10);
        return hub;
    }

    private static Task<IReadOnlyList<ParkedEvent>> ParkedAsync(TestNode test) => test.Database.ReadAsync(async s => await LaneReader.ParkedAsync(s, "", "", 0, 100));
}
