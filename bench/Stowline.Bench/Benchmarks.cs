namespace Stowline.Bench;

/// <summary>The benchmarks by name.</summary>
public static class Benchmarks
{
    public static readonly IReadOnlyList<string> Names = ["accept", "floor"];

    /// <summary>Runs one benchmark and answers its numbers. Accepting in process also runs the floor and gives the ratio to it.</summary>
    public static async Task<BenchReport> RunAsync(BenchOptions options, Action<string> say)
    {
        switch (options.Name)
        {
            case "floor":
            {
                var perSecond = await Floor.RunAsync(options, options.Orders > 0 ? options.Orders : 30_000, Math.Max(1, options.Clients));
                return new BenchReport { ["name"] = "floor", ["store"] = options.Store, ["clients"] = options.Clients, ["hot"] = options.Hot, ["orders_per_s"] = Math.Round(perSecond) };
            }
            case "accept" when options.InProcess:
            {
                var report = await AcceptBench.InProcessAsync(options, say);
                var floor = await Floor.RunAsync(options, 30_000, Math.Max(1, options.Clients));
                report["floor_orders_per_s"] = Math.Round(floor);
                report["floor_ratio"] = Math.Round((double)report["orders_per_s"]! / floor, 3);
                return report;
            }
            case "accept":
                return await AcceptHttpBench.RunAsync(options, say);
            default:
                throw new ArgumentException($"there is no benchmark {options.Name}; there are {string.Join(", ", Names)}");
        }
    }
}
