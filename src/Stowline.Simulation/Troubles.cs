namespace Stowline.Simulation;

/// <summary>What goes wrong around the nodes: power, disks, lines, clocks.</summary>
internal sealed class Troubles(World world, Plan plan)
{
    public void Happen()
    {
        var kind = plan.Troubles[world.Random.Next(plan.Troubles.Count)];
        world.Trace.Add("trouble", (int)kind);
        switch (kind)
        {
            case Trouble.Crash: Crash(); break;
            case Trouble.Disk: Disk(); break;
            case Trouble.Cut: Cut(oneWay: false); break;
            case Trouble.OneWay: Cut(oneWay: true); break;
            case Trouble.Clock: Clock(); break;
            case Trouble.Restore: Restore(); break;
        }
    }

    private SimNode AnyNode() => world.Chance(40) ? world.Hub : world.AnySite();

    private void Crash()
    {
        if (AnyNode() is { IsUp: true } node) world.Crash(node, "between two steps");
    }

    private void Disk()
    {
        if (AnyNode() is not { IsUp: true } node) return;
        var fault = (DiskFault)world.Random.Next(1, 5);
        if (fault == DiskFault.Refuses) world.Counters.Add("commits refused");
        if (fault == DiskFault.AnswerLost) world.Counters.Add("commit answers lost");
        world.Tell($"{node.Name}: the next commit {fault}");
        node.NextFault = fault;
    }

    private void Cut(bool oneWay)
    {
        var line = world.Lines[world.Random.Next(world.Lines.Count)];
        if (line.IsCut)
        {
            (line.CutToHub, line.CutToSite) = (false, false);
            world.Tell($"the line of {line.Site} is whole again");
            return;
        }
        var up = world.Chance(50);
        (line.CutToHub, line.CutToSite) = oneWay ? (up, !up) : (true, true);
        world.Counters.Add(oneWay ? "one-way partitions" : "partitions");
        world.Tell($"the line of {line.Site} is cut: to the hub {line.CutToHub}, to the site {line.CutToSite}");
    }

    /// <summary>A backup is taken, or the node comes back from the one there is, which may be old. Seldom during a repair: while it lasts little happens that could be forgotten.</summary>
    private void Restore()
    {
        var node = AnyNode();
        if (world.IsRepairing && world.Chance(80)) return;
        if (!node.HasBackup || world.Chance(25))
        {
            node.BackUp();
            world.Counters.Add("backups");
            world.Tell($"{node.Name} is backed up");
            return;
        }
        if (node.IsUp) world.Crash(node, "for good");
        world.Restored(node);
    }

    /// <summary>By hours in either direction, or back to right.</summary>
    private void Clock()
    {
        var node = AnyNode();
        node.Clock.Error = world.Chance(25) ? TimeSpan.Zero : TimeSpan.FromSeconds(world.Random.Next(-12 * 3_600, 12 * 3_600));
        world.Counters.Add("clock jumps");
        world.Tell($"the clock of {node.Name} is wrong by {node.Clock.Error}");
    }
}
