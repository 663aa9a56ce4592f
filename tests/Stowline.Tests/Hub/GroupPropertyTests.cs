using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: orders that are decided together are decided as if each had come alone. Method: random orders from a seed over few SKUs and two sites, some repeated and some on backorder, once each in a
/// group of its own, once in groups of random sizes; the answers and what is left must be the same.
public class GroupPropertyTests
{
    /// <summary>Always the same dozen, so that a failure is one for everybody.</summary>
    private static readonly int[] Seeds = [7, 11, 23, 42, 99, 137, 512, 1001, 4711, 9973, 31337, 99991];

    private sealed record Wish(string External, (string, int)[] Lines, bool Backorder);

    /// <param name="Sizes">Of the groups, together as many as there are wishes.</param>
    private sealed record Case(int Seed, string[] Skus, Wish[] Wishes, int[] Sizes);

    [Theory, EveryDatabase]
    public async Task A_group_of_any_size_decides_as_one_by_one(string store)
    {
        Case[] cases = [.. Seeds.Select(Make)];
        var alone = await RunAsync(store, [.. cases.Select(c => c with { Sizes = [.. c.Wishes.Select(_ => 1)] })]);
        var together = await RunAsync(store, cases);
        foreach (var (at, one) in cases.Index())
        {
            var differing = alone[at].Zip(together[at]).FirstOrDefault(pair => pair.First != pair.Second);
            Assert.True(differing.First is null, $"seed {one.Seed}, groups of {string.Join(", ", one.Sizes)}: alone {differing.First}, in its group {differing.Second}");
        }
        Assert.Contains(together.SelectMany(t => t), t => t.Contains("insufficient_stock", StringComparison.Ordinal));
    }

    /// <summary>Each seed has SKUs and names of its own, so that all can follow one another on one node.</summary>
    private static Case Make(int seed)
    {
        var random = new Random(seed);
        string[] skus = [.. Enumerable.Range(0, 4).Select(i => $"{seed}-{i}")];
        Wish[] wishes = [.. Enumerable.Range(0, random.Next(60, 120)).Select(_ => new Wish($"{seed}-{random.Next(90)}",
            [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => (skus[random.Next(4)], random.Next(1, 5)))], random.Next(5) == 0))];
        var sizes = new List<int>();
        for (var left = wishes.Length; left > 0; left -= sizes[^1]) sizes.Add(Math.Min(left, random.Next(4) == 0 ? random.Next(20, 100) : random.Next(1, 20)));
        return new Case(seed, skus, wishes, [.. sizes]);
    }

    private static async Task<List<string>[]> RunAsync(string store, Case[] cases)
    {
        await using var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("W1");
        await hub.SiteAsync("W2");
        var answers = cases.Select(_ => new List<string>()).ToArray();
        foreach (var (at, one) in cases.Index())
        {
            await hub.ProductsAsync(one.Skus);
            foreach (var sku in one.Skus)
            {
                await hub.GrantAsync("W1", sku, 40);
                await hub.GrantAsync("W2", sku, 25);
            }
            var first = 0;
            foreach (var size in one.Sizes)
            {
                var group = one.Wishes.Skip(first).Take(size).Select(w => hub.Order(w.External, w.Lines, b => b with { Backorder = w.Backorder }).Value).ToList();
                first += size;
                var decided = await hub.Test.PumpUntilAsync(Task.WhenAll(group.Select(o => hub.Intake.AcceptAsync(o, TestNode.Tester))));
                answers[at].AddRange(decided.Select(a => Text(a.Outcome)));
            }
            foreach (var sku in one.Skus) answers[at].Add($"{sku}: {await hub.AvailableAsync(sku)} left");
        }
        await hub.Test.VerifyAsync();
        return answers;
    }

    internal static string Text(Outcome<OrderView> answer) => answer.IsOk
        ? $"{answer.Value.Number} {answer.Value.ExternalId} {answer.Existing} {string.Join(";", answer.Value.Parts.Select(p => p.Site + ":" + string.Join(",", p.Lines)))}" : answer.Refusal!.Code;
}
