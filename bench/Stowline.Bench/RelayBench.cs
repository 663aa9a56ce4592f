using System.Collections.Concurrent;
using System.Diagnostics;
using Stowline.Adapters;
using Stowline.Adapters.Brokers;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Bench;

/// <summary>
/// The relay to each broker that the settings name against a bare publisher of the same messages with the same confirmations, in turn in the same run. Then the relay's lag at
/// a steady rate of orders: from the decision to the broker's confirmation.
/// </summary>
internal static class RelayBench
{
    private const int DefaultOrders = 30_000, Rounds = 2, DefaultRate = 800, DefaultSeconds = 15, FewFirst = 200, Sample = 1_000;

    public static async Task<BenchReport> RunAsync(BenchOptions options, Action<string> say)
    {
        var brokers = BenchBroker.Of(options);
        if (brokers.Count == 0) throw new ArgumentException("relay needs a broker: set kafka, rabbitmq or redis, for example STOWLINE__RABBITMQ=amqp://…");
        await using var place = await BenchDatabase.MakeAsync(options);
        await using var node = await Node.OpenAsync(place.Open(TimeProvider.System), modules: [new CatalogModule(), new PromisingModule(), new OrderingModule()]);
        node.Start((pump, e) => say($"{pump.Name}: {e.Message}"));
        await BenchStock.GrantAsync(node);
        var intake = node.Modules.OfType<OrderingModule>().Single().Intake!;
        var workload = new Workload(options.Hot);
        var next = 0;
        async Task<string> PlaceAsync()
        {
            var result = await intake.AcceptAsync(AcceptOrder.From(workload.Order(Interlocked.Increment(ref next)), node.Ids).Value, Caller.System);
            return result.Outcome.IsOk ? result.Outcome.Value.Id : throw new InvalidOperationException(result.Outcome.Refusal!.Detail);
        }
        await ClosedLoop.RunAsync(64, options.Orders > 0 ? options.Orders : DefaultOrders, 0, async () => { await PlaceAsync(); return 0; });
        await AcceptBench.DrainAsync(node);

        // To nobody: what the reading, the encoding and the cursor cost, and the messages for the bare publishers.
        var nobody = new Nobody("nobody");
        await RelayAsync(node, nobody, []);
        var messages = nobody.Messages;
        var cpu = new CpuClock(null, null, countSelf: true);
        await cpu.StartAsync();
        var alone = await RelayAsync(node, new Nobody("nobody again"), []);
        var cpuMs = await cpu.StopAsync();
        await cpu.StartAsync();
        await ReadAsync(node);
        var readingMs = await cpu.StopAsync();
        var sample = await node.Lanes.ReadAsync(Lane.Hub, Math.Max(0, messages.Count - Sample), Sample);
        await cpu.StartAsync();
        for (var done = 0; done < messages.Count; done += sample.Count)
            foreach (var e in sample) OrderEvents.Encode(e);
        var encodingMs = await cpu.StopAsync();
        var report = new BenchReport
        {
            ["name"] = options.Name, ["store"] = options.Store, ["messages"] = messages.Count, ["to_nobody_per_s"] = Math.Round(messages.Count / alone), ["to_nobody_cpu_us"] = Math.Round(cpuMs * 1_000 / messages.Count, 1),
            ["reading_cpu_us"] = Math.Round(readingMs * 1_000 / messages.Count, 1), ["encoding_cpu_us"] = Math.Round(encodingMs * 1_000 / messages.Count, 1),
            ["message_bytes"] = (long)messages.Average(m => m.Body.Length), ["floor_ratio"] = null,
        };
        foreach (var broker in brokers)
        {
            await CompareAsync(report, node, broker, messages, cpu, say);
            var lags = await LagsAsync(options, node, broker, PlaceAsync);
            report[broker.Name + "_lag_p50_ms"] = Math.Round(lags[lags.Count / 2]);
            report[broker.Name + "_lag_p99_ms"] = Math.Round(lags[(int)(lags.Count * 0.99)]);
            report[broker.Name + "_lag_max_ms"] = Math.Round(lags[^1]);
        }
        return report;
    }

    /// <summary>The bare publisher and the relay in turn: events per second and processor time of this process per event.</summary>
    private static async Task CompareAsync(BenchReport report, Node node, BenchBroker broker, IReadOnlyList<OutgoingMessage> messages, CpuClock cpu, Action<string> say)
    {
        async Task<(double Seconds, double CpuMs)> TimedAsync(Func<Task<double>> run)
        {
            await cpu.StartAsync();
            return (await run(), await cpu.StopAsync());
        }
        var (raw, relay) = ((Seconds: 0.0, CpuMs: 0.0), (Seconds: 0.0, CpuMs: 0.0));
        for (var round = 0; round <= Rounds; round++)
        {
            var bare = await TimedAsync(() => RawAsync(node, broker, messages));
            var ours = await TimedAsync(() => RelayAsync(node, broker.Out(PlaceFor(node)), [.. messages.Take(FewFirst)]));
            if (round == 0) continue; // code that runs for the first time is compiled, which takes longer than the work
            raw = (raw.Seconds + bare.Seconds, raw.CpuMs + bare.CpuMs);
            relay = (relay.Seconds + ours.Seconds, relay.CpuMs + ours.CpuMs);
        }
        var events = Rounds * messages.Count;
        report[broker.Name + "_raw_per_s"] = Math.Round(events / raw.Seconds);
        report[broker.Name + "_relay_per_s"] = Math.Round(events / relay.Seconds);
        report[broker.Name + "_ratio"] = Math.Round(raw.Seconds / relay.Seconds, 2);
        report[broker.Name + "_raw_cpu_us"] = Math.Round(raw.CpuMs * 1_000 / events, 1);
        report[broker.Name + "_relay_cpu_us"] = Math.Round(relay.CpuMs * 1_000 / events, 1);
        say($"{broker.Name}: {raw.Seconds / relay.Seconds:0.00} of a bare publisher");
    }

    /// <summary>An exchange, topic or stream of this run.</summary>
    private static string PlaceFor(Node node) => "bench-" + node.Ids.Next().ToString("N");

    /// <summary>Seconds for the whole log. A few messages go before, as with the bare publisher: making queues and topics and finding them is not what is measured.</summary>
    private static async Task<double> RelayAsync(Node node, IBrokerOut broker, IReadOnlyList<OutgoingMessage> before)
    {
        await using var relay = new OrderRelay(node.Lanes, broker, new HashSet<string> { "order.placed" });
        await broker.PublishAsync(before, default);
        var clock = Stopwatch.StartNew();
        while (await relay.RunOnceAsync(default)) { }
        return relay.Lag == 0 ? clock.Elapsed.TotalSeconds : throw new InvalidOperationException($"{relay.Lag} events were left");
    }

    /// <summary>The log as the relay reads it, and nothing else.</summary>
    private static async Task ReadAsync(Node node)
    {
        for (var (after, last) = (0L, -1L); last != after;)
        {
            last = after;
            await node.Lanes.ReadEachAsync(Lane.Hub, after, 1_000, e => after = e.Position);
        }
    }

    private static async Task<double> RawAsync(Node node, BenchBroker broker, IReadOnlyList<OutgoingMessage> messages)
    {
        var place = PlaceFor(node);
        await using (var made = broker.Out(place)) await made.PublishAsync([messages[0]], default); // with the same queues
        await using var raw = await broker.RawAsync(place);
        await raw.PublishAsync([.. messages.Take(FewFirst)]);
        var clock = Stopwatch.StartNew();
        await raw.PublishAsync(messages);
        return clock.Elapsed.TotalSeconds;
    }

    /// <summary>Milliseconds from each order's decision to its confirmation, ascending.</summary>
    private static async Task<List<double>> LagsAsync(BenchOptions options, Node node, BenchBroker broker, Func<Task<string>> place)
    {
        var timed = new Timed(broker.Out(PlaceFor(node)), node.Time);
        var relay = new OrderRelay(node.Lanes, timed, new HashSet<string> { "order.placed" });
        while (await relay.RunOnceAsync(default)) { } // what was there before is no lag
        timed.Lags.Clear();
        node.Add(relay);
        var orders = new SteadyOrders(64, options.Rate > 0 ? options.Rate : DefaultRate, (_, _) => place());
        await orders.RunAsync(TimeSpan.FromSeconds(options.Seconds > 0 ? options.Seconds : DefaultSeconds));
        using var patience = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (relay.Lag > 0) await patience.WaitForNextTickAsync();
        return [.. timed.Lags.Order()];
    }

    private sealed class Nobody(string name) : IBrokerOut
    {
        public List<OutgoingMessage> Messages { get; } = [];
        public string Name => name;
        public string? Trouble => null;

        public IOutgoingBatch Begin() => new CollectedBatch(PublishAsync);

        private Task<IReadOnlyList<(int Index, string Reason)>> PublishAsync(IReadOnlyList<OutgoingMessage> messages, CancellationToken ct)
        {
            Messages.AddRange(messages.Select(m => m with { Body = m.Body.ToArray() }));
            return Task.FromResult<IReadOnlyList<(int, string)>>([]);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    /// <summary>Notes how old each event is when its broker has confirmed it.</summary>
    private sealed class Timed(IBrokerOut broker, TimeProvider time) : IBrokerOut
    {
        public ConcurrentBag<double> Lags { get; } = [];
        public string Name => broker.Name;
        public int BatchSize => broker.BatchSize;
        public string? Trouble => broker.Trouble;

        public IOutgoingBatch Begin() => new CollectedBatch(PublishAsync);

        private async Task<IReadOnlyList<(int Index, string Reason)>> PublishAsync(IReadOnlyList<OutgoingMessage> messages, CancellationToken ct)
        {
            var refused = await broker.PublishAsync(messages, ct);
            var now = time.GetUtcNow();
            foreach (var message in messages) Lags.Add((now - Protocol.OrderEvent.Parser.ParseFrom(message.Body.Span).At.ToDateTimeOffset()).TotalMilliseconds);
            return refused;
        }

        public ValueTask DisposeAsync() => broker.DisposeAsync();
    }
}
