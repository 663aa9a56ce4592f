using System.CommandLine;
using Stowline.Simulation;

namespace Stowline.Server.Commands;

internal static class SimulateCommand
{
    private static readonly Option<int> Seeds = new("--seeds") { Description = "how many runs (200)", DefaultValueFactory = _ => 200 };
    private static readonly Option<int> Steps = new("--steps") { Description = "steps of each (500)", DefaultValueFactory = _ => 500 };
    private static readonly Option<int> Seed = new("--seed") { Description = "the first seed (1)", DefaultValueFactory = _ => 1 };
    private static readonly Option<double?> Minutes = new("--minutes") { Description = "begin new seeds for so long; then --seeds is no limit unless given" };
    private static readonly Option<string?> MutantName = new("--mutant") { Description = "be wrong in a known way, which must be found: " + string.Join(", ", Mutants.Names), HelpName = "NAME" };
    private static readonly Option<bool> ListMutants = new("--mutants") { Description = "list the known ways to be wrong, and run nothing" };
    private static readonly Option<int> Jobs = new("--jobs") { Description = "runs at the same time (1)", DefaultValueFactory = _ => 1 };
    private static readonly Option<bool> Twice = new("--twice") { Description = "run each seed twice: it must be the same run" };
    private static readonly Option<bool> Trace = new("--trace") { Description = "tell every step of the first seed, on standard error" };

    public static Command Define() => new Command("simulate", "Run hub and sites in a simulated world where everything goes wrong; see docs/simulation.md") { Seeds, Steps, Seed, Minutes, MutantName, ListMutants, Jobs, Twice, Trace }
        .Does((context, ct) => Task.FromResult(Run(context, ct)));

    private static int Run(CommandContext context, CancellationToken ct)
    {
        var (parsed, report) = (context.Parsed, context.Report);
        if (parsed.GetValue(ListMutants)) return List(report);
        var mutant = Mutant.None;
        if (parsed.GetValue(MutantName) is { } name)
        {
            if (Mutants.Find(name) is not { } found) return report.Fail($"there is no mutant {name}; there are {string.Join(", ", Mutants.Names)}");
            mutant = found;
        }
        var (seeds, steps, jobs, minutes) = (parsed.GetValue(Seeds), parsed.GetValue(Steps), parsed.GetValue(Jobs), parsed.GetValue(Minutes));
        if (minutes is not null && parsed.GetResult(Seeds) is not { Implicit: false }) seeds = int.MaxValue - parsed.GetValue(Seed);
        if (seeds < 1 || steps < 1 || jobs < 1 || minutes <= 0) return report.Fail("--seeds, --steps, --jobs and --minutes must be above zero");
        if (parsed.GetValue(Trace)) return End(report, One(Simulator.Run(parsed.GetValue(Seed), steps, mutant, report.Progress)));
        var every = Math.Max(1, Math.Min(100, seeds / 20));
        var done = Simulations.Run(new SimulationOptions(parsed.GetValue(Seed), seeds, steps, mutant, minutes is { } m ? TimeSpan.FromMinutes(m) : null, jobs, Twice: parsed.GetValue(Twice)), (run, count) =>
        {
            if (run.Problem is not null) report.Progress(Failure(run));
            else if (count % every == 0) report.Progress($"{count} seeds, the last was {run.Seed} ({run.Hash})");
        }, ct);
        return End(report, done);
    }

    private static int List(Report report)
    {
        foreach (var name in Mutants.Names) report.Line(name);
        return report.End(true, new Dictionary<string, object?> { ["mutants"] = Mutants.Names.ToArray() });
    }

    private static SimulationReport One(SimulatedRun run) => new(1, run.Steps, 0, run.Problem is null ? [] : [run], run.Counters);

    private static string Failure(SimulatedRun run) => $"seed {run.Seed} ({run.Hash}): {run.Problem}\n    to see it again: {run.Command}";

    private static int End(Report report, SimulationReport done)
    {
        foreach (var (what, times) in done.Counters.All) report.Line($"{times,9} {what}");
        foreach (var failure in done.Failures) report.Line(Failure(failure));
        var speed = done.Seconds == 0 ? "" : $" in {done.Seconds:0} s, {done.StepsPerSecond:0} steps/s";
        report.Line($"{done.Seeds} seeds, {done.Steps} steps{speed}: {(done.Failures.Count == 0 ? "nothing lost, doubled or oversold" : $"{done.Failures.Count} failed")}");
        return report.End(done.Failures.Count == 0, new Dictionary<string, object?>
        {
            ["ok"] = done.Failures.Count == 0, ["seeds"] = done.Seeds, ["steps"] = done.Steps, ["seconds"] = Math.Round(done.Seconds, 1), ["steps_per_s"] = Math.Round(done.StepsPerSecond),
            ["failures"] = done.Failures.Select(f => f.Seed).ToArray(), ["failed"] = done.Failures.Select(f => new { f.Seed, f.Hash, f.Problem, f.Command }).ToArray(),
            ["counters"] = done.Counters.All,
        });
    }
}
