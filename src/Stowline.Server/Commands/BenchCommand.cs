using System.CommandLine;
using Stowline.Bench;

namespace Stowline.Server.Commands;

internal static class BenchCommand
{
    private static readonly Argument<string> Name = new("NAME") { Description = "accept, flow, ledger, live, kitchen, slots, relay (to the brokers of the settings), link or floor; fill and pages work on the node that --data or --database names" };
    private static readonly Option<string> Store = new("--store") { Description = "sqlite or postgres (then --database names a server on which databases may be made)", DefaultValueFactory = _ => "sqlite" };
    private static readonly Option<int?> Clients = new("--clients") { Description = "callers that each wait for their answer (64); live: clients that follow beside the measured one (200)" };
    private static readonly Option<bool> InProcess = new("--in-process") { Description = "without HTTP" };
    private static readonly Option<bool> Grpc = new("--grpc") { Description = "orders over gRPC instead of JSON" };
    private static readonly Option<int> Hot = new("--hot") { Description = "all orders ask for this many SKUs; 0: spread over 1,000" };
    private static readonly Option<int> Orders = new("--orders") { Description = "how many to run; 0: a default of some seconds" };
    private static readonly Option<int> Seconds = new("--seconds") { Description = "run for so long instead" };
    private static readonly Option<int> Rate = new("--rate") { Description = "live, kitchen: orders per second (500, 800); link: events per second (500)" };
    private static readonly Option<bool> Mix = new("--mix") { Description = "live: half the clients follow picking and alerts instead of orders" };

    public static Command Define() => new Command("bench", "Measure this machine; see bench/README.md") { Name, Store, Clients, InProcess, Grpc, Hot, Orders, Seconds, Rate, Mix }.Does(async (context, _) =>
    {
        var name = context.Parsed.GetValue(Name)!;
        var options = new BenchOptions(name, context.Parsed.GetValue(Store)!,
            context.Configuration.IsPostgres ? context.Configuration.Database : null, context.Parsed.GetValue(Clients) ?? Benchmarks.DefaultClients(name), context.Parsed.GetValue(InProcess),
            context.Parsed.GetValue(Hot), context.Parsed.GetValue(Orders), context.Parsed.GetValue(Seconds), Environment.ProcessPath!, Path.GetTempPath(),
            Path.GetDirectoryName(Path.GetFullPath(context.Configuration.SqlitePath))!,
            context.Parsed.GetValue(Rate), context.Parsed.GetValue(Mix), context.Parsed.GetValue(Grpc))
        {
            Kafka = context.Configuration.Kafka, Rabbitmq = context.Configuration.Rabbitmq, Redis = context.Configuration.Redis,
        };
        if (!Benchmarks.Names.Contains(options.Name)) return context.Report.Fail($"there is no benchmark {options.Name}; there are {string.Join(", ", Benchmarks.Names)}");
        if (options.Store is not ("sqlite" or "postgres")) return context.Report.Fail("--store is sqlite or postgres");
        try
        {
            var report = await Benchmarks.RunAsync(options, context.Report.Progress);
            foreach (var (field, value) in report.Fields) context.Report.Line($"{field}: {value}");
            return context.Report.End(true, report.Fields);
        }
        catch (ArgumentException e)
        {
            return context.Report.Fail(e.Message);
        }
    });
}
