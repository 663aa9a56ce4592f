using System.Collections.Concurrent;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Topology;

namespace Stowline.Simulation;

/// <summary>
/// A hub and its sites as they are before anything happens: migrated, joined, with products and bins, and each with all of the others. Made once per process and copied
/// for each run: migrating four databases would take longer than a run.
/// </summary>
internal static class Template
{
    private static readonly ConcurrentDictionary<int, IReadOnlyList<SimDisk>> Made = new();
    private static readonly Lock Gate = new();
    private static readonly Caller Builder = new("builder");

    /// <summary>The hub's disk, then those of the sites.</summary>
    public static IReadOnlyList<SimDisk> Of(int sites)
    {
        if (Made.TryGetValue(sites, out var known)) return known;
        lock (Gate) return Made.TryGetValue(sites, out known) ? known : Made[sites] = Make(sites);
    }

    private static IReadOnlyList<SimDisk> Make(int sites)
    {
        var before = SynchronizationContext.Current;
        var context = new StepContext();
        SynchronizationContext.SetSynchronizationContext(context);
        try
        {
            using var world = new World(context, seed: 0, new Plan(sites, 4, default, 0, 0, 0, []), Mutant.None, new SimDisk?[sites + 1], null);
            foreach (var node in world.Nodes) world.Start(node);
            Ask(world, () => FillHubAsync(world));
            foreach (var site in world.Sites) Ask(world, () => FillSiteAsync(site));
            world.Rest(() => false);
            return [.. world.Nodes.Select(n => new SimDisk(n.Disk))];
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    /// <summary>Asks for something and lets the nodes work until it is done.</summary>
    private static void Ask(World world, Func<Task> ask)
    {
        var done = false;
        world.Go(async () =>
        {
            await ask();
            done = true;
        });
        while (!done) world.Step();
    }

    private static async Task FillHubAsync(World world)
    {
        var hub = world.Hub;
        foreach (var site in world.Sites)
        {
            var body = new SiteBody { Name = site.Name, Type = SiteType.Warehouse };
            _ = (await hub.AskAsync(node => node.Lanes.ExecuteAsync(Lane.Hub, Builder, tx => SaveSite.DecideAsync(site.Name, body, tx, node)))).Value;
            // As joining does, but without a key: nobody asks for one here, and it would be another one each time.
            _ = (await hub.AskAsync(node => node.Lanes.ExecuteAsync(Lane.Site(site.Name), Builder, tx => JoinSite.FreeAsync(site.Name, tx, node)))).Value;
        }
        var products = SaveProducts.CheckAll([.. world.Skus.Select(s => new ProductBody { Sku = s, Name = s, Price = new Money(2.5m, "EUR") })]).Value;
        _ = (await hub.AskAsync(node => node.Lanes.ExecuteAsync(Lane.Hub, Builder, tx => SaveProducts.DecideAsync(products, tx)))).Value;
    }

    private static async Task FillSiteAsync(SimNode site)
    {
        var lane = Lane.Site(site.Name);
        _ = (await site.AskAsync(node => node.Lanes.ExecuteAsync(lane, Builder, tx => SaveZone.DecideAsync(site.Name, "A", new ZoneBody { Type = ZoneType.Storage }, tx)))).Value;
        var bins = SaveBins.CheckAll([.. Enumerable.Range(1, 2).Select(i => new BinBody { Bin = $"A-{i}", Zone = "A" })]).Value;
        _ = (await site.AskAsync(node => node.Lanes.ExecuteAsync(lane, Builder, tx => SaveBins.DecideAsync(site.Name, bins, i => $"items[{i}]", tx)))).Value;
    }
}
