namespace Stowline.Simulation;

/// <summary>One run: what it was, how it went, and what happened in it.</summary>
/// <param name="Hash">Over all that was decided and written; the same for the same seed, steps and mutant.</param>
/// <param name="Problem">What is not as it must be; null when all is well.</param>
public sealed record SimulatedRun(int Seed, int Steps, Mutant Mutant, string Hash, Counters Counters, string? Problem)
{
    /// <summary>What shows it again.</summary>
    public string Command => $"stowline simulate --seed {Seed} --seeds 1 --steps {Steps}{(Mutant == Mutant.None ? "" : " --mutant " + Mutants.NameOf(Mutant))} --trace";
}

/// <summary>Runs hubs and sites in a simulated world (docs/simulation.md).</summary>
public static class Simulator
{
    private const int QuickEvery = 10;
    private const int WholeEvery = 50;

    /// <summary>One run of one seed: so many decisions of the scheduler, then everything heals and is compared.</summary>
    /// <param name="tell">Where each step is told; null where nobody wants to know.</param>
    public static SimulatedRun Run(int seed, int steps, Mutant mutant = Mutant.None, Action<string>? tell = null)
    {
        var plan = Plan.Draw(new Random(seed));
        var images = Template.Of(plan.Sites);
        var before = SynchronizationContext.Current;
        var context = new StepContext();
        SynchronizationContext.SetSynchronizationContext(context);
        try
        {
            using var world = new World(context, seed, plan, mutant, [.. images], tell);
            string? problem = null;
            try
            {
                Run(world, steps);
            }
            catch (BrokenException e)
            {
                problem = e.Message;
            }
            catch (Exception e)
            {
                problem = e.ToString();
            }
            return new SimulatedRun(seed, steps, mutant, world.Trace.End(), world.Counters, problem);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private static void Run(World world, int steps)
    {
        foreach (var node in world.Nodes) world.Start(node);
        foreach (var workers in world.Workers)
            for (var i = 0; i < 3; i++) workers.Receive();
        world.Rest(() => false);
        for (var step = 1; step <= steps; step++)
        {
            world.Step();
            world.Touched();
            if (step % QuickEvery == 0) world.Quick();
            if (step % WholeEvery == 0) world.Whole();
        }
        world.Finish();
    }
}
