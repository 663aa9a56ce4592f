using System.CommandLine;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;

namespace Stowline.Server.Commands;

/// <summary>
/// <c>sites epoch CODE</c> at a site whose hub is gone, <c>sites give-up CODE</c> and <c>sites take-back CODE</c> at the hub of a site that is gone (decision 0027). A running node is asked over
/// HTTP with <c>--url</c>; without it the same is done on the data of a node that does not run. Each wants <c>--yes</c>.
/// </summary>
internal static class GoneSitesCommands
{
    private static readonly Caller CommandLineCaller = new("command line");

    public static Command Epoch()
    {
        var call = new Call("epoch", "At a site: take back what it has granted to a hub that is gone, or whose word cannot be had any more");
        var skus = new Option<string[]>("--sku") { Description = "only this SKU; may be repeated", HelpName = "SKU" };
        var reason = new Option<string?>("--reason") { Description = "why", HelpName = "TEXT" };
        return call.With(skus, reason).Does((context, ct) =>
        {
            var only = context.Parsed.GetValue(skus) is { Length: > 0 } some ? some : null;
            var body = new EpochBody(context.Parsed.GetValue(call.Yes), only, context.Parsed.GetValue(reason));
            return call.RunAsync(context, body, (node, site) => node.Lanes.ExecuteAsync(Lane.Site(site), CommandLineCaller, tx => OpenEpoch.DecideAsync(site, body, tx), ct),
                done => $"{done.Opened} SKUs of {done.Site} have begun a new epoch; {done.Disputed} units wait for a count", ct);
        });
    }

    public static Command GiveUp()
    {
        var call = new Call("give-up", "At the hub: say that a site is gone for good; its work goes to others");
        var reason = new Option<string>("--reason") { Description = "why; orders' timelines say it", HelpName = "TEXT", Required = true };
        return call.With(reason).Does((context, ct) =>
        {
            var body = new GiveUpBody(context.Parsed.GetValue(call.Yes), context.Parsed.GetRequiredValue(reason));
            return call.RunAsync(context, body, (node, site) => node.Lanes.ExecuteAsync(Lane.Hub, CommandLineCaller, tx => GiveUpSite.DecideAsync(site, body, tx, node), ct),
                done => $"{done.Site} is given up; {done.Disputed} units are disputed. What it had to do is given to others while the hub runs", ct);
        });
    }

    public static Command TakeBack()
    {
        var call = new Call("take-back", "At the hub: take a site back that was given up and is there after all");
        var trust = new Option<bool>("--trust-books") { Description = "its books are right: nothing needs to be counted first" };
        return call.With(trust).Does((context, ct) =>
        {
            var body = new TakeBackBody(context.Parsed.GetValue(call.Yes), context.Parsed.GetValue(trust));
            return call.RunAsync(context, body, (node, site) => node.Lanes.ExecuteAsync(Lane.Hub, CommandLineCaller, tx => GiveUpSite.TakeBackAsync(site, body, tx, node), ct),
                done => $"{done.Site} is asked to come back; it is promised from again when it has answered", ct);
        });
    }

    /// <summary>What the three have in common: a site, a confirmation, and a node.</summary>
    private sealed class Call(string name, string description)
    {
        private readonly Argument<string> _code = new("CODE") { Description = "the site" };
        private readonly Option<string?> _url = new("--url") { Description = "the running node; without it the data is opened itself", HelpName = "URL" };
        private readonly Option<string?> _admin = new("--admin-key") { Description = "a key with the scope admin, where the node asks for keys", HelpName = "KEY" };

        public Option<bool> Yes { get; } = new("--yes") { Description = "yes, I have made sure of it" };

        public Command With(params Option[] more)
        {
            var command = new Command(name, description) { _code, _url, _admin, Yes };
            foreach (var option in more) command.Options.Add(option);
            return command;
        }

        public async Task<int> RunAsync<TBody, T>(CommandContext context, TBody body, Func<Node, string, Task<Outcome<T>>> decide, Func<T, string> tell, CancellationToken ct)
        {
            if (!context.Parsed.GetValue(Yes)) throw new CommandRefusedException($"sites {name} cannot simply be undone: say --yes when you have made sure of it");
            var site = context.Parsed.GetRequiredValue(_code);
            var done = context.Parsed.GetValue(_url) is { } url
                ? await RunningNode.PostAsync<TBody, T>(url, $"/api/v1/sites/{Uri.EscapeDataString(site)}/{name}", body, context.Parsed.GetValue(_admin), ct) : await OnDataAsync(context, site, decide, ct);
            context.Report.Line(tell(done));
            return context.Report.End(true, new Dictionary<string, object?> { ["ok"] = true, ["site"] = site, ["result"] = done });
        }

        private static async Task<T> OnDataAsync<T>(CommandContext context, string site, Func<Node, string, Task<Outcome<T>>> decide, CancellationToken ct)
        {
            await using var opened = await NodeOpener.OpenAsync(context.Configuration, ct: ct);
            opened.Node.Start((pump, e) => context.Report.Progress($"{pump.Name}: {e.Message}"));
            var done = await decide(opened.Node, site);
            return done.IsOk ? done.Value : throw new CommandRefusedException(done.Refusal!.Detail);
        }
    }
}
