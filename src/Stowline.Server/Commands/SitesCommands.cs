using System.CommandLine;
using System.Net;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Server.Commands;

/// <summary>
/// <c>sites join CODE --url HUB</c> and <c>sites move-out CODE</c>: give a site to a node of its own, one that is new or one that has worked at the hub. A hub that runs is asked over HTTP, with
/// <c>--admin-key</c> where it asks for keys; where none answers, the same is done on its data.
/// </summary>
internal static class SitesCommands
{
    private static readonly Caller CommandLineCaller = new("command line");

    public static Command Define() => new("sites", "Sites with nodes of their own") { Join(), MoveOut(), GoneSitesCommands.Epoch(), GoneSitesCommands.GiveUp(), GoneSitesCommands.TakeBack() };

    private static Option<string?> Url() => new("--url") { Description = "where the site's node will reach the hub (this node's own address, as it is configured)", HelpName = "HUB" };

    private static Option<string?> AdminKey() => new("--admin-key") { Description = "a key with the scope admin, for a running hub with auth=keys; also STOWLINE__KEY", HelpName = "KEY" };

    private static HubCalls CallsOf(CommandContext context, Option<string?> url, Option<string?> admin)
    {
        if (!Uri.TryCreate(context.Parsed.GetValue(url) ?? OwnAddress(context.Configuration), UriKind.Absolute, out var hub) || hub.Scheme is not ("http" or "https"))
            throw new CommandRefusedException("--url must be the hub's address, http:// or https://");
        return new HubCalls(hub, context.Parsed.GetValue(admin) ?? (context.Configuration.Key.Length > 0 ? context.Configuration.Key : null));
    }

    /// <summary>Where a node with this configuration is reached. One that listens on all addresses is known to others by its machine's name.</summary>
    private static string OwnAddress(Configuration configuration)
    {
        var isAny = IPAddress.TryParse(configuration.Listen, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));
        return new UriBuilder("http", isAny ? Dns.GetHostName() : configuration.Listen, configuration.Port).ToString();
    }

    private static Command Join()
    {
        var code = new Argument<string>("CODE") { Description = "the site; made as a warehouse where there is none" };
        var (url, admin) = (Url(), AdminKey());
        return new Command("join", "Give a site to a node of its own, and show that node's key, this once") { code, url, admin }.Does(async (context, ct) =>
        {
            var site = context.Parsed.GetRequiredValue(code);
            using var calls = CallsOf(context, url, admin);
            var joined = await calls.JoinAsync(site, ct) ?? await OnDataAsync(context, node => JoinSite.RunAsync(node, site, CommandLineCaller, ct), ct);
            if (!context.Report.IsJson) context.Report.Line(joined.Key); // with --json this line would go to standard error, and so into logs
            context.Report.Progress($"This is the key of {joined.Site}. It is shown only now. Run its node with: stowline serve --site {joined.Site} --hub {calls.Hub} --key KEY");
            return context.Report.End(true, new Dictionary<string, object?>
            {
                ["ok"] = true, ["site"] = joined.Site, ["number"] = joined.Number, ["key"] = joined.Key, ["hub"] = calls.Hub.ToString(),
            });
        });
    }

    private static Command MoveOut()
    {
        var code = new Argument<string>("CODE") { Description = "a site that works at the hub" };
        var (url, admin) = (Url(), AdminKey());
        var to = new Option<string?>("--to") { Description = "where the site's database is made: a new folder (./CODE), or postgres://… of an empty database", HelpName = "FOLDER" };
        return new Command("move-out", "Give a site that works at the hub to a node of its own, with all that it has") { code, url, admin, to }.Does(async (context, ct) =>
        {
            var site = context.Parsed.GetRequiredValue(code);
            using var calls = CallsOf(context, url, admin);
            using var target = SiteTarget.Prepare(context.Parsed.GetValue(to) ?? FolderOf(site), context.Configuration);
            var moved = await calls.MoveOutAsync(site, target.File, ct) ?? await OnDataAsync(context, async node =>
            {
                var handed = await MoveOutSite.RunAsync(node, site, CommandLineCaller, ct);
                if (handed.Refusal is not null) return handed;
                await using var file = target.Create();
                var written = await MoveOutSite.WriteAsync(node, handed.Value.Site, file, ct);
                return written.Refusal is { } no ? no : handed;
            }, ct);
            context.Report.Progress($"{moved.Site} is handed over; making its database");
            var report = await target.FillAsync(ct);
            foreach (var (check, result) in report.Checks.Where(c => c.Value != "ok")) context.Report.Line($"{check}: {result}");
            if (!context.Report.IsJson) context.Report.Line(moved.Key);
            context.Report.Progress($"This is the key of {moved.Site}. It is shown only now. Run its node with: stowline serve --site {moved.Site} --hub {calls.Hub} --key KEY {target.Flag}");
            return context.Report.End(report.Ok, new Dictionary<string, object?>
            {
                ["ok"] = report.Ok, ["site"] = moved.Site, ["number"] = moved.Number, ["key"] = moved.Key, ["hub"] = calls.Hub.ToString(), ["moved_at"] = moved.MovedAt,
                ["data"] = target.Name, ["checks"] = report.Checks,
            });
        });
    }

    /// <summary>The site's code as a folder's name beside us; codes may have slashes in them, and folders may not.</summary>
    private static string FolderOf(string site) => Path.Combine(".", CodeRule.TryNormalize(site, out var code) ? code.Replace('/', '_') : throw new CommandRefusedException("CODE " + CodeRule.Description));

    private static async Task<T> OnDataAsync<T>(CommandContext context, Func<Node, Task<Outcome<T>>> run, CancellationToken ct)
    {
        await using var opened = await NodeOpener.OpenAsync(context.Configuration, ct: ct);
        if (!opened.Node.Role.IsHub) throw new CommandRefusedException($"this is the node of site {opened.Node.Role.Site}; sites are joined and moved out at their hub");
        opened.Node.Start((pump, e) => context.Report.Progress($"{pump.Name}: {e.Message}"));
        var outcome = await run(opened.Node);
        return outcome.IsOk ? outcome.Value : throw new CommandRefusedException(outcome.Refusal!.Detail);
    }
}
