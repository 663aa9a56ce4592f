namespace Stowline.Bench;

/// <summary>The benchmarks by name.</summary>
public static class Benchmarks
{
    private const int FloorOrders = 30_000;
    private const int Rounds = 3;

    public static readonly IReadOnlyList<string> Names = ["accept", "flow", "ledger", "live", "kitchen", "slots", "relay", "link", "floor", "fill", "pages"];

    /// <summary>How many clients a benchmark has when nobody says.</summary>
    public static int DefaultClients(string name) => name == "live" ? LiveBench.DefaultFollowers : 64;

    /// <summary>Runs one benchmark and answers its numbers, with the ratio to the floor.</summary>
    public static async Task<BenchReport> RunAsync(BenchOptions options, Action<string> say)
    {
        return options.Name switch
        {
            "floor" => await Floor.ReportAsync(options),
            "flow" => await WithFloorAsync(options, await FlowBench.RunAsync(options, say)),
            "fill" => await Fill.FillBench.RunAsync(options, say),
            "pages" => await PagesBench.RunAsync(options, say),
            "ledger" => await LedgerBench.RunAsync(options, say),
            "live" => await LiveBench.RunAsync(options, say),
            "kitchen" => await KitchenBench.RunAsync(options, say),
            "slots" => await SlotsBench.RunAsync(options, say),
            "link" => await LinkBench.RunAsync(options, say),
            "relay" => await RelayBench.RunAsync(options, say),
            "accept" when options.InProcess => await AcceptInProcessAsync(options, say),
            "accept" => await WithFloorAsync(options, await AcceptHttpBench.RunAsync(options, say)),
            _ => throw new ArgumentException($"there is no benchmark {options.Name}; there are {string.Join(", ", Names)}"),
        };
    }

    /// <summary>
    /// The accept path alone is compared with the floor of its rows, in turn, several times: on a virtual machine that shares its disk and cores one round says
    /// little. The whole is compared with the floor that also has the tasks' rows.
    /// </summary>
    private static async Task<BenchReport> AcceptInProcessAsync(BenchOptions options, Action<string> say)
    {
        var report = await AcceptBench.InProcessAsync(options, say);
        var rounds = new List<(double Ratio, BenchReport Alone, double Floor)>();
        var group = 1;
        for (var round = 0; round < Rounds; round++)
        {
            var alone = await AcceptBench.AloneAsync(options, say);
            group = Math.Max(1, (int)Math.Round((double)alone["group_size"]!));
            var floor = await Floor.RunAsync(options, (int)alone["orders"]!, group, withTasks: false);
            rounds.Add(((double)alone["orders_per_s"]! / floor.PerSecond, alone, floor.PerSecond));
            say($"accepting alone {alone["orders_per_s"]}/s, floor {floor.PerSecond:0}/s: {rounds[^1].Ratio:0.000}");
        }
        var withTasks = await Floor.RunAsync(options, FloorOrders, group, withTasks: true);
        rounds.Sort((a, b) => a.Ratio.CompareTo(b.Ratio));
        var median = rounds[Rounds / 2];
        report["accept_alone_per_s"] = median.Alone["orders_per_s"];
        report["accept_alone_group_size"] = median.Alone["group_size"];
        report["accept_alone_cpu_ms"] = median.Alone["cpu_ms_per_order"];
        report["floor_orders_per_s"] = Math.Round(median.Floor);
        report["floor_ratio"] = Math.Round(median.Ratio, 3);
        report["floor_ratio_least"] = Math.Round(rounds[0].Ratio, 3);
        report["floor_ratio_most"] = Math.Round(rounds[^1].Ratio, 3);
        report["floor_with_tasks_per_s"] = Math.Round(withTasks.PerSecond);
        report["floor_with_tasks_ratio"] = Math.Round((double)report["orders_per_s"]! / withTasks.PerSecond, 3);
        return report;
    }

    /// <summary>Compares with the floor that has the tasks' rows too, in groups of half the clients: while one half commits, the other waits.</summary>
    private static async Task<BenchReport> WithFloorAsync(BenchOptions options, BenchReport report)
    {
        var floor = await Floor.RunAsync(options, FloorOrders, Math.Max(1, options.Clients / 2), withTasks: true);
        report["floor_orders_per_s"] = Math.Round(floor.PerSecond);
        report["floor_ratio"] = Math.Round((double)report["orders_per_s"]! / floor.PerSecond, 3);
        return report;
    }
}
