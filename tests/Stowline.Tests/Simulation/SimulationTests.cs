using Stowline.Simulation;

namespace Stowline.Tests.Simulation;

/// Goal: whatever networks, power, disks and clocks do, nothing is lost, doubled or oversold. Method: real nodes in a world that a seed decides; see docs/simulation.md.
public class SimulationTests
{
    private const int Seeds = 100;
    private const int Steps = 500;

    [Theory]
    [InlineData(1)]
    [InlineData(101)]
    [Trait("Needs", "server")] // not for the minute before a commit
    public void Nothing_is_lost_doubled_or_oversold_and_everything_that_may_go_wrong_did(int first)
    {
        var report = Simulations.Run(new SimulationOptions(first, Seeds, Steps, Twice: true));
        Assert.True(report.Failures.Count == 0, string.Join("\n", report.Failures.Select(f => $"{f.Command}: {f.Problem}")));
        Assert.Equal(Seeds, report.Seeds);
        Assert.DoesNotContain(Counters.Rare, what => report.Counters[what] < Seeds / 100);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(17)]
    [InlineData(20_000)]
    public void A_seed_is_the_same_run_each_time(int seed)
    {
        var told = new List<string>();
        var (first, second) = (Simulator.Run(seed, 200, tell: told.Add), Simulator.Run(seed, 200));
        Assert.Equal(first.Hash, second.Hash);
        Assert.Equal(first.Counters.All, second.Counters.All);
        Assert.NotEmpty(told);
        Assert.NotEqual(first.Hash, Simulator.Run(seed + 1, 200).Hash);
    }

    public static TheoryData<string> KnownMutants => [.. Mutants.Names];

    /// Goal: the simulator finds what it is for. Method: nodes that are wrong in a known way.
    [Theory, MemberData(nameof(KnownMutants))]
    public void A_mutant_is_caught_and_the_command_that_shows_it_is_named(string name)
    {
        var report = Simulations.Run(new SimulationOptions(First: 1, Seeds: 60, Steps, Mutants.Find(name)!.Value, MostFailures: 1));
        var caught = Assert.Single(report.Failures);
        Assert.Equal($"stowline simulate --seed {caught.Seed} --seeds 1 --steps {Steps} --mutant {name} --trace", caught.Command);
        Assert.Equal(caught.Problem, Simulator.Run(caught.Seed, Steps, caught.Mutant).Problem);
    }

    [Fact]
    public void There_is_no_mutant_of_another_name() => Assert.Null(Mutants.Find("none"));
}
