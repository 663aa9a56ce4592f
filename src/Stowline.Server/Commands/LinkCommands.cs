using System.CommandLine;
using Stowline.Contracts;
using Stowline.Link;
using Stowline.Log;

namespace Stowline.Server.Commands;

/// <summary>
/// <c>link status</c>: how the links stand, read beside a running node. The exit status is 1 when a lane has diverged. <c>link repair SITE</c>: lets a node that was restored go on; a
/// running node is asked over HTTP, and where none answers the same is done on its data.
/// </summary>
internal static class LinkCommands
{
    public static Command Define() => new("link", "The links between the hub and sites with nodes of their own") { Status(), RepairOne() };

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
            if (link.Repair is { } repair) Tell(context, repair);
        }
        if (links.Count == 0) context.Report.Line("no site has a node of its own");
        var ok = links.All(l => l.State != LinkCondition.Diverged);
        return context.Report.End(ok, new Dictionary<string, object?> { ["ok"] = ok, ["links"] = links });
    });

    private static void Tell(CommandContext context, RepairView repair)
    {
        context.Report.Line($"  restored from a backup of {repair.BackupAt:yyyy-MM-dd HH:mm:ss}: {SnakeCaseEnum<RepairStage>.Text(repair.State)}, {repair.TakenBack} events came back");
        foreach (var lost in repair.Lost) context.Report.Line($"  nobody has {lost.Lane} {lost.First} to {lost.Last}");
        foreach (var (type, count) in repair.Unapplied) context.Report.Line($"  {count} events {type} are in the log again, but what they tell must be looked at");
    }

    private static Command RepairOne()
    {
        var code = new Argument<string>("SITE") { Description = "the site of the link" };
        var url = new Option<string?>("--url") { Description = "the running node; without it the data is opened itself", HelpName = "URL" };
        var exclude = new Option<bool>("--exclude") { Description = "at a hub: do not wait for this site; nothing is promised from it until it comes" };
        var admin = new Option<string?>("--admin-key") { Description = "a key with the scope admin, where the node asks for keys", HelpName = "KEY" };
        return new Command("repair", "Let a node that was restored go on, once the other side has given back what it has") { code, url, exclude, admin }.Does(async (context, ct) =>
        {
            var site = context.Parsed.GetRequiredValue(code);
            var repair = context.Parsed.GetValue(url) is { } address
                ? await RunningNode.PostAsync<Dictionary<string, bool>, RepairView>(address, $"/api/v1/links/{Uri.EscapeDataString(site)}/repair", new() { ["exclude"] = context.Parsed.GetValue(exclude) },
                    context.Parsed.GetValue(admin), ct)
                : await OnDataAsync(context, site, context.Parsed.GetValue(exclude), ct);
            Tell(context, repair);
            return context.Report.End(true, new Dictionary<string, object?> { ["ok"] = true, ["site"] = site, ["repair"] = repair });
        });
    }

    private static async Task<RepairView> OnDataAsync(CommandContext context, string site, bool exclude, CancellationToken ct)
    {
        await using var opened = await NodeOpener.OpenAsync(context.Configuration, ct: ct);
        opened.Node.Start((pump, e) => context.Report.Progress($"{pump.Name}: {e.Message}"));
        var repair = await RepairLink.RunAsync(opened.Node, site, exclude, new Caller("command line"), ct);
        return repair.IsOk ? repair.Value : throw new CommandRefusedException(repair.Refusal!.Detail);
    }
}
