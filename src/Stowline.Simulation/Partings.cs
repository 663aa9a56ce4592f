using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;

namespace Stowline.Simulation;

/// <summary>
/// Operators who say that somebody is gone for good (decision 0027): at the hub that a site is, rather one whose line is cut; at a site that its hub is. They are wrong each time, for all come back: sites that were
/// given up are taken back, the last of them when everything heals.
/// </summary>
internal sealed class Partings(World world)
{
    private static readonly Caller Operator = new("operator");

    public void Act()
    {
        var cut = world.Lines.Where(l => l.IsCut).Select(l => l.SiteNode).ToList();
        var site = cut.Count > 0 && world.Chance(70) ? cut[world.Random.Next(cut.Count)] : world.AnySite();
        if (world.Chance(40)) world.Go(() => OpenAsync(site));
        else if (GivenUp().Any(g => g.Site == site.Name)) world.Go(() => TakeBackAsync(site.Name));
        else world.Go(() => GiveUpAsync(site.Name));
    }

    /// <summary>Asks for every site that is given up. False when there is none.</summary>
    public bool TakeAllBack()
    {
        var all = GivenUp();
        foreach (var given in all.Where(g => g.State != GiveUpState.Returning)) world.Go(() => TakeBackAsync(given.Site));
        return all.Count > 0;
    }

    private IReadOnlyList<GivenUpSite> GivenUp() => world.Read(world.Hub, GivenUpSites.AllAsync);

    /// <summary>The site takes back what it has granted, of all SKUs or of one.</summary>
    private async Task OpenAsync(SimNode site)
    {
        var body = new EpochBody(true, world.Chance(30) ? [world.AnySku()] : null, "nobody answers");
        if ((await site.AskAsync(node => node.Lanes.ExecuteAsync(Lane.Site(site.Name), Operator, tx => OpenEpoch.DecideAsync(site.Name, body, tx)))) is { IsOk: true, Value.Disputed: > 0 })
            world.Counters.Add("epochs with units in dispute");
    }

    private Task<Outcome<GiveUpView>> GiveUpAsync(string site) => world.Hub.AskAsync(node =>
    {
        var begun = node.Modules.OfType<OrderingModule>().Single().Leaving;
        return node.Lanes.ExecuteAsync(Lane.Hub, Operator, tx => GiveUpSite.DecideAsync(site, new GiveUpBody(true, "burnt down"), tx, node, begun));
    });

    private Task<Outcome<GiveUpView>> TakeBackAsync(string site) => world.Hub.AskAsync(node =>
    {
        var body = new TakeBackBody(true, world.Chance(30));
        return node.Lanes.ExecuteAsync(Lane.Hub, Operator, tx => GiveUpSite.TakeBackAsync(site, body, tx, node));
    });
}
