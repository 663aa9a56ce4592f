using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Stowline.Hub.Access;
using Stowline.Server.Demo;
using Stowline.Server.Hosting;

namespace Stowline.Server.Commands;

/// <summary>Runs a node until it is told to stop. Prints one line on standard output when it is ready; logs are JSON on standard error.</summary>
internal static class ServeCommand
{
    public static Command Define()
    {
        var port = new Option<string?>("--port") { Description = "the port of HTTP (5080); 0 takes a free one", HelpName = "N" };
        var listen = new Option<string?>("--listen") { Description = "the address to listen on (127.0.0.1)", HelpName = "ADDRESS" };
        var auth = new Option<string?>("--auth") { Description = "off (loopback only) or keys", HelpName = "off|keys" };
        var site = new Option<string?>("--site") { Description = "run the node of this site; see 'sites join'", HelpName = "CODE" };
        var hub = new Option<string?>("--hub") { Description = "where the site's hub is", HelpName = "URL" };
        var key = new Option<string?>("--key") { Description = "the site's key; also STOWLINE__KEY, which other users of the machine cannot see", HelpName = "KEY" };
        var otlp = new Option<string?>("--otlp") { Description = "send traces and metrics there: http://host:4318 or grpc://host:4317", HelpName = "URL" };
        var logFormat = new Option<string?>("--log-format") { Description = "json (default) or text, on standard error", HelpName = "json|text" };
        var demo = new Option<bool>("--demo") { Description = "a running sample business, in an empty database or one that it made" };
        var seed = new Option<string?>("--demo-seed") { Description = "which orders come (7)", HelpName = "N" };
        var rate = new Option<string?>("--demo-rate") { Description = "orders per second (2)", HelpName = "N" };
        return new Command("serve", "Run a node with its HTTP API") { port, listen, auth, site, hub, key, otlp, logFormat, demo, seed, rate }.Does(async (context, ct) =>
        {
            var sample = DemoOptions.Parse(context.Parsed.GetValue(seed), context.Parsed.GetValue(rate));
            await using var opened = await NodeOpener.OpenAsync(context.Configuration, ct: ct);
            using var business = context.Parsed.GetValue(demo) ? await OpenDemoAsync(opened.Node, sample, ct) : null;
            await RunAsync(opened.Node, context, ct);
            return 0;
        }, ("port", port), ("listen", listen), ("auth", auth), ("site", site), ("hub", hub), ("key", key), ("otlp", otlp), ("log_format", logFormat));
    }

    private static async Task<DemoBusiness> OpenDemoAsync(Node node, DemoOptions options, CancellationToken ct)
    {
        if (!node.Role.IsHub) throw new CommandRefusedException("--demo runs a whole business, and this is the node of one site");
        if (await DemoSetup.RefuseAsync(node, ct) is { } why)
            throw new CommandRefusedException($"--demo would mix made-up orders into it: {why}. Give an empty folder with --data, or leave --demo out.");
        var business = new DemoBusiness(node, options);
        node.Add(business);
        return business;
    }

    private static async Task RunAsync(Node node, CommandContext context, CancellationToken ct)
    {
        // The signals are taken here too, so that stopping works the same when something else than the command line starts the server.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => { signal.Cancel = true; stop.Cancel(); });
        await using var server = ServerHost.Build(node, context.Configuration);
        try
        {
            await server.StartAsync(ct);
        }
        catch (IOException e) when (e.InnerException is SocketException or Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            throw new CommandRefusedException(e.Message);
        }
        context.Report.Line($"Stowline {Configuration.Version} is ready at {server.Url} (data in {Where(context.Configuration)}, {node.Database.Engine})");
        if (context.Report.IsJson)
            context.Report.End(true, new Dictionary<string, object?> { ["url"] = server.Url, ["data"] = Where(context.Configuration), ["engine"] = node.Database.Engine });
        if (context.Configuration.Auth == "keys" && !await node.Database.ReadAsync(KeyCommands.AnyGoodAsync, ct))
            context.Report.Progress("There is no key yet, so nobody can call this node. Make the first with 'stowline keys create NAME --scope admin' (with SQLite: stop the node first).");
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, node.Time, stop.Token);
        }
        catch (OperationCanceledException)
        {
            server.Logger.LogInformation("stopping");
        }
        // Requests that were accepted are answered, and only then do the pumps that answer them end (with the node).
        await server.StopAsync();
    }

    private static string Where(Configuration configuration) =>
        configuration.IsPostgres ? "PostgreSQL" : Path.GetDirectoryName(Path.GetFullPath(configuration.SqlitePath))!;
}
