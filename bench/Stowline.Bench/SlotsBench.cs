using System.Diagnostics;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Contracts;

namespace Stowline.Bench;

/// <summary>
/// How long the choice of a slot takes when 10,000 open ones have some room but not enough: every one of them must be passed over. In process, because the rest of the accept path is
/// <c>accept</c>'s and <c>kitchen</c>'s.
/// </summary>
internal static class SlotsBench
{
    private const int Slots = 10_000, Choices = 5_000, LeadSlots = 2;

    public static async Task<BenchReport> RunAsync(BenchOptions options, Action<string> say)
    {
        await using var place = await BenchDatabase.MakeAsync(options);
        await using var node = await Node.OpenAsync(place.Open(TimeProvider.System));
        node.Start((pump, e) => say($"{pump.Name}: {e.Message}"));
        await FillAsync(node);
        say($"{Slots} slots are half full");

        var (choices, loads) = (new List<double>(Choices), new List<double>());
        var directory = new SiteDirectory();
        var book = new SlotBook();
        await Must(node.Lanes.ExecuteAsync<Done>(Lane.Hub, Caller.System, async tx =>
        {
            var sites = (await directory.AllAsync(tx)).Values.Where(s => s.Code == "K1").ToList();
            for (var i = 0; i < 3; i++)
            {
                var began = Stopwatch.GetTimestamp();
                await book.LoadAsync(tx, sites);
                loads.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }
            for (var i = 0; i < Choices; i++)
            {
                var began = Stopwatch.GetTimestamp();
                var found = book.Find("K1", tx.Now, 2) ?? throw new InvalidOperationException("no slot was found");
                choices.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                if (i == 0 && (found[0].Start - tx.Now.ToUnixTimeSeconds()) / 900 < Slots) throw new InvalidOperationException("a slot was found too early");
            }
            return new Done();
        }));
        var answers = await ClosedLoop.RunAsync(options.Clients, 2_000, 0, () => PlaceAsync(node, 2, null));
        var report = new BenchReport
        {
            ["name"] = options.Name, ["store"] = options.Store, ["clients"] = options.Clients, ["slots"] = Slots, ["first_load_ms"] = Math.Round(loads[0], 2), ["later_load_ms"] = Math.Round(loads[^1], 2),
            ["accept_p99_ms"] = Math.Round(answers.Order().ElementAt((int)(answers.Count * 0.99)), 2), ["floor_ratio"] = null,
        };
        report.Latencies(choices);
        return report;
    }

    /// <summary>A kitchen with slots of two pieces, of which each holds one.</summary>
    private static async Task FillAsync(Node node)
    {
        await Must(node.Lanes.ExecuteAsync(Lane.Hub, Caller.System, tx => SaveSite.DecideAsync("K1", new SiteBody { Name = "Kitchen", Type = SiteType.Kitchen }, tx, node)));
        await Must(node.Lanes.ExecuteAsync(Lane.Hub, Caller.System, tx => SaveMenu.DecideAsync(
            [new MenuBody { Dish = "dish", Name = "Dish", Variants = [new VariantBody { Sku = "D", Price = new Money(9.5m, "EUR") }] }], tx)));
        await Must(node.Lanes.ExecuteAsync(Lane.Hub, Caller.System, tx => SlotPlans.DecideAsync("K1",
            new SlotPlanBody { Measure = SlotMeasure.Units, Capacity = 2, LeadMinutes = LeadSlots * 15, VisibleMinutes = 0, Days = 200 }, tx)));
        var now = node.Time.GetUtcNow().ToUnixTimeSeconds() / 900 * 900;
        // From the first that may be promised on; what may not be any more when all of them are placed is not looked at.
        var next = LeadSlots - 1;
        await ClosedLoop.RunAsync(64, Slots, 0, () => PlaceAsync(node, 1, DateTimeOffset.FromUnixTimeSeconds(now + 900L * Interlocked.Increment(ref next))));
        await AcceptBench.DrainAsync(node);
    }

    private static async Task<double> PlaceAsync(Node node, int quantity, DateTimeOffset? start)
    {
        var began = Stopwatch.GetTimestamp();
        var body = new OrderBody { Channel = "bench", Lines = [new OrderLineBody("D", quantity, null)], Slot = start is null ? null : new SlotWish(null, start, "K1") };
        var intake = node.Modules.OfType<OrderingModule>().Single().Intake!;
        var result = await intake.AcceptAsync(AcceptOrder.From(body, node.Ids).Value, Caller.System);
        if (!result.Outcome.IsOk) throw new InvalidOperationException(result.Outcome.Refusal!.Detail);
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    private static async Task Must<T>(Task<Outcome<T>> task)
    {
        var outcome = await task;
        if (!outcome.IsOk) throw new InvalidOperationException(outcome.Refusal!.Detail);
    }
}
