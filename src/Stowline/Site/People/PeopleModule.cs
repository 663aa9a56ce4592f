using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Site.People;

/// <summary>The workers as a site knows them. They are the hub's to change; a site that is cut off goes by what it heard last.</summary>
internal sealed class PeopleModule : Module
{
    public override string Name => "people";

    public override IEnumerable<(Consumer Consumer, Lane Source)> ConsumersFor(string site, Node node) =>
        node.IsRemote(site) ? [] : [(new WorkerConsumer(site), Lane.HubAll)];

    public override IReadOnlyList<SiteTable> SiteTables => [new("site_workers")];
}

/// <summary>Keeps the site's list of workers. A new site reads the lane from its beginning and so hears of all of them.</summary>
internal sealed class WorkerConsumer(string site) : Consumer
{
    // Each site has a cursor of its own on the one lane, so the site is in the name.
    public override string Name => "people/" + site;

    public override Lane Target(Lane source) => Lane.Site(site);

    public override bool Wants(string type) => type == WorkerSaved.Type;

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events)
        {
            var worker = e.Read<WorkerSaved>();
            await tx.WriteAsync("""
                INSERT INTO site_workers (site, code, badge, active) VALUES (@site, @code, @badge, @active)
                ON CONFLICT (site, code) DO UPDATE SET badge = excluded.badge, active = excluded.active
                """, new { site, code = worker.Code, badge = worker.Badge, active = worker.Active });
        }
    }
}
