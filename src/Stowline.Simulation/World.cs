using System.Diagnostics.CodeAnalysis;
using Stowline.Log;

namespace Stowline.Simulation;

/// <summary>Something is not as it must be.</summary>
internal sealed class BrokenException(string what) : Exception(what);

/// <summary>
/// A hub and its sites, the lines between them, the people around them, and one scheduler that decides by its seed what happens next: whose pump makes a step,
/// which frame arrives, who asks for something, what breaks. Nothing else moves, time least of all.
/// </summary>
internal sealed class World : IDisposable
{
    private readonly StepContext _context;
    private readonly Mutant _mutant;
    private readonly Action<string>? _tell;
    private readonly List<Task> _flows = [];
    private readonly Customers _customers;
    private readonly Audit _audit;
    private readonly Troubles _troubles;
    private readonly Partings _partings;
    private readonly HashSet<SimNode> _touched = [];
    private Exception? _problem;

    /// <param name="images">The disks that the nodes begin with: the hub's, then the sites'.</param>
    /// <param name="tell">Where every step is told; null where nobody wants to know.</param>
    public World(StepContext context, int seed, Plan plan, Mutant mutant, IReadOnlyList<SimDisk?> images, Action<string>? tell)
    {
        (_context, Plan, _mutant, _tell) = (context, plan, mutant, tell);
        (Random, Now) = (new Random(seed), plan.Begins);
        Skus = [.. Enumerable.Range(0, plan.Skus).Select(i => ((char)('A' + i)).ToString())];
        Hub = NewNode("HUB", NodeRole.Hub, images[0]);
        Sites = [.. Enumerable.Range(1, plan.Sites).Select(n => NewNode($"WH{n}", new NodeRole($"WH{n}", n), images[n]))];
        Lines = [.. Sites.Select(s => new SimLine(this, Hub, s) { Weather = plan.Weather })];
        Workers = [.. Sites.Select(s => new Workers(this, s))];
        (_customers, _audit, _troubles, _partings) = (new Customers(this, Hub), new Audit(this), new Troubles(this, plan), new Partings(this));
    }

    public Plan Plan { get; }
    public Random Random { get; }
    public IReadOnlyList<string> Skus { get; }
    public SimNode Hub { get; }
    public IReadOnlyList<SimNode> Sites { get; }
    public IReadOnlyList<SimLine> Lines { get; }
    public IReadOnlyList<Workers> Workers { get; }
    public Counters Counters { get; } = new();
    public Trace Trace { get; } = new();
    public Book Book { get; } = new();

    /// <summary>Whether a node was restored: what it alone knew need not be known any more.</summary>
    public bool HasForgotten { get; private set; }

    /// <summary>Whether a restored node does not yet go on.</summary>
    public bool IsRepairing => HasForgotten && Nodes.Any(n => _audit.RepairsOf(n).Count > 0);

    /// <summary>True time since the beginning.</summary>
    public TimeSpan Now { get; set; }

    public IEnumerable<SimNode> Nodes => Sites.Prepend(Hub);
    public bool Chance(int percent) => Random.Next(100) < percent;
    public SimNode AnySite() => Sites[Random.Next(Sites.Count)];
    public string AnySku() => Skus[Random.Next(Skus.Count)];

    private SimNode NewNode(string name, NodeRole role, SimDisk? image) => new(name, role, new SimDisk(image), new SimClock(() => Now))
    {
        Committed = Committed,
        Parked = (node, what) => Fail($"{node.Name}: {what}"),
        Promised = Promised,
    };

    /// <summary>The no-over-promise rule at the moment of the promise: later a loss may come, and then nobody can tell any more.</summary>
    private void Promised(SimNode node, string sku, string site, long free)
    {
        Counters.Add("promises");
        if (free < 0) _problem ??= new BrokenException($"{node.Name} promises {-free} {sku} at {site} more than it has");
    }

    [DoesNotReturn]
    public void Fail(string what) => throw new BrokenException(what);

    public T Run<T>(Func<Task<T>> work) => _context.Run(work);

    /// <summary>Reads the disk of a node, whether or not the node is up: for whoever sees what is, not what somebody is told.</summary>
    public T Read<T>(SimNode node, Func<Store.SqlSession, Task<T>> read) => _audit.Read(node, read);

    public void Tell(string what) => _tell?.Invoke($"{Now.TotalSeconds,9:0.000} {what}");

    public void Start(SimNode node)
    {
        Tell($"{node.Name} starts");
        Run(async () =>
        {
            await node.StartAsync(Random.Next(), _mutant);
            node.Look();
            return true;
        });
    }

    /// <summary>Something that people do, step by step, until it is done or the node that they ask is gone.</summary>
    public void Go(Func<Task> flow)
    {
        async Task RunAsync()
        {
            try
            {
                await flow();
            }
            catch (NodeGoneException)
            {
                Counters.Add("answers never given");
            }
            catch (Exception e)
            {
                _problem ??= e;
            }
        }
        var task = RunAsync();
        if (!task.IsCompleted) _flows.Add(task);
    }

    // ---- steps

    /// <summary>One decision of the scheduler, and what follows from it at once.</summary>
    public void Step()
    {
        var roll = Random.Next(1_000);
        if ((roll -= Plan.Acts) < 0) Act();
        else if ((roll -= Plan.Faults) < 0) _troubles.Happen();
        else if (roll < Plan.Leaps) Pass(Leap());
        else if (!Work()) Pass(UntilNext());
        Settle();
    }

    public void Quick() => _audit.Quick();

    /// <summary>Checks the nodes that have written something in the last step.</summary>
    public void Touched()
    {
        if (_touched.Count == 0) return;
        _audit.Quick(_touched);
        _touched.Clear();
    }

    public void Whole() => _audit.Whole();

    private void Act()
    {
        if (HasForgotten && Chance(50)) Operate();
        if (Plan.Partings > 0 && Chance(Plan.Partings)) _partings.Act();
        var who = Random.Next(Sites.Count + 1);
        Trace.Add("act", who);
        if (who == Sites.Count) _customers.Act();
        else Workers[who].Act();
    }

    private TimeSpan Leap() => Random.Next(100) switch
    {
        < 94 => TimeSpan.FromMilliseconds(Random.Next(5, 700)),
        < 99 => TimeSpan.FromSeconds(Random.Next(1, 8)),
        _ => TimeSpan.FromSeconds(Random.Next(20, 900)),
    };

    public void Pass(TimeSpan time)
    {
        Now += time;
        Trace.Add("time", Now.Ticks);
    }

    private TimeSpan UntilNext()
    {
        var next = Nodes.Where(n => n.IsUp).SelectMany(n => n.Runners.Where(r => !r.IsBusy).Select(r => r.Due)).Concat(Nodes.Where(n => !n.IsUp).Select(n => n.UpAt))
            .Concat(Lines.SelectMany(l => new[] { l.NextArrival, l.DialAt })).DefaultIfEmpty(Now).Min();
        return next > Now ? next - Now : TimeSpan.FromMilliseconds(1);
    }

    /// <summary>Lets one of those that can do something do it. False when nobody can.</summary>
    private bool Work()
    {
        var can = new List<Action>();
        foreach (var node in Nodes)
        {
            if (!node.IsUp && node.UpAt <= Now) can.Add(() => Start(node));
            for (var i = 0; i < node.Runners.Count; i++)
                if (node.Runners[i] is var runner && runner.IsReady(Now)) can.Add(() => Begin(node, runner));
        }
        foreach (var line in Lines)
        {
            if (line.HasArrivals(Now)) can.Add(() => line.Deliver(Now));
            if (line.WantsToDial(Now)) can.Add(() => line.Dial(Now));
        }
        if (can.Count == 0) return false;
        var chosen = Random.Next(can.Count);
        Trace.Add("work", chosen);
        can[chosen]();
        return true;
    }

    private void Begin(SimNode node, Runner runner)
    {
        Tell($"{node.Name} {runner.Pump.Name}");
        runner.Begin();
    }

    /// <summary>Follows up on a step: all continuations, the ends of pumps' steps, what was said into the lines, and whether anything is wrong.</summary>
    private void Settle()
    {
        _context.Drain();
        foreach (var node in Nodes)
        {
            if (node.HasDied) Crash(node, "in a commit");
            foreach (var runner in node.Runners)
                if (runner.HasEnded && runner.End(Now, IdleOf(runner)) is { } error) Judge(node, runner, error);
            node.Look();
        }
        foreach (var line in Lines) line.Collect(Now);
        _flows.RemoveAll(f => f.IsCompleted);
        if (_problem is { } problem) throw problem as BrokenException ?? new BrokenException($"a command threw {problem}");
    }

    /// <summary>What a pump may fail with: that nothing can be stored now. It tries again.</summary>
    private void Judge(SimNode node, Runner runner, Exception error)
    {
        if (error is BrokenException broken) throw broken;
        if (error is not ConsumerStalledException && !node.Node.Database.IsInfrastructure(error)) Fail($"{node.Name}, {runner.Pump.Name}: {error}");
        Counters.Add("steps tried again");
    }

    /// <summary>A pump looks by itself seldom here, so that whoever forgets to wake it is found out; only links live by the clock.</summary>
    private TimeSpan IdleOf(Runner runner) => runner.Pump is Link.LinkEnd ? runner.Pump.Idle : runner.Pump.Idle * Random.Next(5, 60);

    public void Crash(SimNode node, string how)
    {
        Tell($"{node.Name} crashes {how}");
        Trace.Add("crash", Now.Ticks);
        Counters.Add("crashes");
        if (how == "in a commit") Counters.Add("crashes in a commit");
        foreach (var line in Lines.Where(l => node == Hub || l.SiteNode == node)) line.Gone(node, Now);
        Run(async () =>
        {
            await node.CrashAsync();
            return true;
        });
        node.UpAt = Now + TimeSpan.FromMilliseconds(Random.Next(1, 20_000));
    }

    /// <summary>A node that has gone comes back from its backup: what it alone knew is lost.</summary>
    public void Restored(SimNode node)
    {
        Tell($"{node.Name} is restored from its backup");
        Trace.Add("restore", Now.Ticks);
        Counters.Add("restores");
        HasForgotten = true;
        _audit.Forget(node);
        Run(async () =>
        {
            await node.RestoreAsync(Random.Next());
            return true;
        });
        foreach (var delivery in Book.Deliveries.Where(d => d.Site == node.Name)) delivery.IsOpen = false;
        foreach (var truck in Book.Trucks.Values.Where(t => t.Site == node.Name)) truck.Asked = null;
        if (node == Hub) foreach (var wish in Book.Wishes) wish.IsOpen = false;
    }

    /// <summary>An operator looks after restored nodes, and lets them go on when they have been given back what there is. True while there are any.</summary>
    private bool Operate()
    {
        var waits = false;
        foreach (var node in Nodes.Where(n => n.IsUp))
        {
            var repairs = _audit.RepairsOf(node);
            // All that are not heard, and so the hub goes on at once: else they come back while it still waits for the others.
            var losesPatience = node == Hub && repairs.Any(r => r.State == RepairState.Waiting) && Chance(Plan.Impatience);
            foreach (var repair in repairs)
            {
                waits = true;
                if (repair.State == RepairState.Heard) Go(() => ConfirmAsync(node, repair.Site));
                else if (repair.State == RepairState.Waiting && losesPatience) Go(() => ExcludeAsync(repair.Site));
            }
        }
        return waits;
    }

    private async Task ConfirmAsync(SimNode node, string site)
    {
        if ((await node.AskAsync(n => Link.RepairLink.RunAsync(n, site, exclude: false, new Caller("operator")))) is not { IsOk: true } confirmed) return;
        Counters.Add("repairs confirmed");
        Counters.Add("events taken back", confirmed.Value.TakenBack);
    }

    private async Task ExcludeAsync(string site)
    {
        Tell($"an operator excludes {site}");
        var answer = await Hub.AskAsync(n => Link.RepairLink.RunAsync(n, site, exclude: true, new Caller("operator")));
        if (answer is { IsOk: true, Value.State: Link.RepairStage.Excluded }) Counters.Add("sites excluded");
    }

    // ---- the end

    /// <summary>Everything heals, everybody finishes; then all books must be the same.</summary>
    public void Finish()
    {
        Tell("everything heals");
        foreach (var node in Nodes) node.NextFault = DiskFault.None;
        foreach (var line in Lines) line.Heal();
        foreach (var workers in Workers) workers.Finishing = true;
        Rest(FinishWork);
        // Pumps look seldom by themselves, and people may just have brought something back: then a while later again.
        for (var looks = 0; looks < 3 && _audit.Expired() is not null; looks++)
        {
            Pass(TimeSpan.FromMinutes(15));
            Rest(FinishWork);
        }
        _audit.Quick();
        _audit.Whole();
        _audit.Compare();
    }

    /// <summary>Asks again what was never answered, and lets people work. False when nothing is left to do.</summary>
    private bool FinishWork()
    {
        var left = (HasForgotten && Operate()) | _customers.ReleaseAll() | _partings.TakeAllBack();
        foreach (var wish in Book.Unanswered.ToList())
        {
            _customers.Place(wish);
            left = true;
        }
        foreach (var delivery in Book.Undelivered.ToList())
        {
            Workers[Sites.Select(s => s.Name).ToList().IndexOf(delivery.Site)].Receive(delivery);
            left = true;
        }
        foreach (var workers in Workers)
        {
            left |= workers.Unload();
            if (!Run(workers.HasWorkAsync)) continue;
            for (var i = 0; i < 3; i++) workers.Work();
            left = true;
        }
        return left || _flows.Count > 0;
    }

    /// <summary>Steps until nobody can do anything and all nodes have all of each other.</summary>
    public void Rest(Func<bool> more)
    {
        for (var round = 0; round < 2_000; round++)
        {
            for (var steps = 0; Work(); steps++)
            {
                Settle();
                if (steps > 20_000) Fail("the nodes never come to rest");
            }
            Settle();
            if (Nodes.All(n => n.IsUp) && !more() && _audit.IsEqual()) return;
            Pass(TimeSpan.FromMilliseconds(500));
        }
        Fail("the nodes do not come together: " + _audit.Difference());
    }

    private void Committed(SimNode node, Lane lane, IReadOnlyList<EventRecord> events)
    {
        _touched.Add(node);
        if (node.Node.Lanes.IsReplica(lane)) return;
        Trace.Add(lane.Name, events);
        foreach (var e in events)
        {
            Tell($"{node.Name}   {lane} {e.Position} {e.Type} {e.Subject}");
            Occurrences.Count(e, Counters);
        }
    }

    public void Dispose()
    {
        foreach (var node in Nodes)
        {
            Run(async () =>
            {
                await node.CrashAsync();
                return true;
            });
            node.Dispose();
        }
        _audit.Dispose();
    }
}
