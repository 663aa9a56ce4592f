using System.CommandLine;
using Stowline.Contracts;
using Stowline.Link;

namespace Stowline.Server.Commands;

/// <summary><c>link status</c>: how the links stand, read beside a running node. The exit status is 1 when a lane has diverged.</summary>
internal static class LinkCommands
{
    public static Command Define() => new("link", "The links between the hub and sites with nodes of their own") { Status() };

    private static Command Status() => new Command("status", "Show how the links stand, at the hub or at a site").Does(async (context, ct) =>
    {
        // What a running node keeps of its sessions is at most ten seconds old.
        await using var node = Node.ForReading(await NodeOpener.OpenToReadAsync(context.Configuration, ct: ct));
        var links = await LinkViews.ReadAsync(node.Database, null, ct);
        foreach (var link in links)
        {
            context.Report.Line($"{link.Site}: {SnakeCaseEnum<LinkCondition>.Text(link.State)} since {link.Since:yyyy-MM-dd HH:mm:ss}, last contact {(link.LastContact is { } at ? at.ToString("yyyy-MM-dd HH:mm:ss", null) : "never")}, " +
                                $"in {link.In.LagEvents} events behind, out {link.Out.LagEvents}");
            foreach (var lane in link.In.Lanes.Concat(link.Out.Lanes).Where(l => l.Diverged is not null)) context.Report.Line($"  {lane.Lane} stands still: {lane.Diverged}");
        }
        if (links.Count == 0) context.Report.Line("no site has a node of its own");
        var ok = links.All(l => l.State != LinkCondition.Diverged);
        return context.Report.End(ok, new Dictionary<string, object?> { ["ok"] = ok, ["links"] = links });
    });
}
