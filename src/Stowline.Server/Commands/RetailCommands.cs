using System.CommandLine;
using System.Diagnostics;
using Stowline.Kernel;
using Stowline.Server.Retail;

namespace Stowline.Server.Commands;

/// <summary><c>import online-retail FILE</c> and <c>replay online-retail FILE</c>: see docs/online-retail.md.</summary>
internal static class RetailCommands
{
    /// <summary>
    /// Simulated workers. As many as a day has orders, so that a day's picks commit in one group; more would only wait.
    /// </summary>
    private const int Workers = 64;

    private static Argument<string> FileArgument() => new("FILE") { Description = "the CSV of the UCI data set, plain or .gz" };

    private static Option<string> SiteOption() => new("--site") { Description = "the warehouse; made where it is missing", HelpName = "CODE", DefaultValueFactory = _ => "WH1" };

    public static Command Import()
    {
        var (file, site) = (FileArgument(), SiteOption());
        return new Command("online-retail", "Products and floor from a file of UCI's Online Retail") { file, site }.Does(async (context, ct) =>
        {
            var started = TimeProvider.System.GetTimestamp();
            var code = SiteCode(context.Parsed.GetValue(site));
            var plan = await ReadAsync(context.Parsed.GetRequiredValue(file), ct);
            await using var opened = await OpenAsync(context, ct);
            var result = await new RetailImport(new NodeCalls(opened.Node), code).RunAsync(plan, ct);
            context.Report.Line($"{plan.Totals.Rows} rows: {result.Products} products, {result.Created} of them new, {result.Updated} changed; {result.BinsCreated} bins made at {code}");
            foreach (var (rule, rows) in plan.Totals.Classified.Where(c => c.Value > 0)) context.Report.Line($"  {rule,-28}{rows,12}");
            return context.Report.End(true, new Dictionary<string, object?>
            {
                ["ok"] = true, ["rows"] = plan.Totals.Rows, ["invoices"] = plan.Totals.Invoices, ["cancellation_invoices"] = plan.Totals.CancellationInvoices,
                ["stock_codes"] = plan.Totals.StockCodes, ["products"] = result.Products, ["created"] = result.Created, ["updated"] = result.Updated,
                ["unchanged"] = result.Unchanged, ["bins_created"] = result.BinsCreated, ["site"] = code, ["classified"] = plan.Totals.Classified,
                ["seconds"] = Math.Round(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 2), ["peak_memory_mb"] = PeakMemoryMb(),
            });
        });
    }

    public static Command Replay()
    {
        var (file, site) = (FileArgument(), SiteOption());
        var speed = new Option<string>("--speed") { Description = ReplaySpeed.Choices, HelpName = "SPEED", DefaultValueFactory = _ => "max" };
        return new Command("online-retail", "Run the days of a file of UCI's Online Retail through the warehouse") { file, site, speed }.Does(async (context, ct) =>
        {
            var started = TimeProvider.System.GetTimestamp();
            var code = SiteCode(context.Parsed.GetValue(site));
            if (!ReplaySpeed.TryParse(context.Parsed.GetValue(speed) ?? "max", out var pace)) throw new CommandRefusedException($"--speed must be {ReplaySpeed.Choices}");
            var stages = new Dictionary<string, double>();
            var plan = await TimedAsync(stages, "read", () => ReadAsync(context.Parsed.GetRequiredValue(file), ct));
            await using var opened = await OpenAsync(context, ct);
            var calls = new NodeCalls(opened.Node);
            await TimedAsync(stages, "import", () => new RetailImport(calls, code).RunAsync(plan, ct));
            var shop = new NodeShop(calls, plan, code);
            var times = await RetailProgress.ShowAsync("replay", async show =>
            {
                var replay = new RetailReplay(shop, opened.Node.Time, pace, Workers,
                    p => show(p.Orders == 0 ? 1 : (double)p.OrdersDone / p.Orders, $"{p.Day:yyyy-MM-dd}  {p.OrdersDone} of {p.Orders} orders"));
                await replay.RunAsync(plan, ct);
                return replay.Stages;
            });
            foreach (var (stage, seconds) in times.Seconds) stages[stage] = seconds;
            var books = await TimedAsync(stages, "compare", () => shop.BooksAsync(ct));
            var report = new ReplayReport(plan.Totals, plan.Planned, books, stages, TimeProvider.System.GetElapsedTime(started).TotalSeconds, PeakMemoryMb());
            foreach (var line in report.Lines()) context.Report.Line(line);
            return context.Report.End(report.Ok, report.Fields());
        });
    }

    private static async Task<T> TimedAsync<T>(Dictionary<string, double> stages, string stage, Func<Task<T>> work)
    {
        var started = TimeProvider.System.GetTimestamp();
        var result = await work();
        stages[stage] = Math.Round(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 2);
        return result;
    }

    /// <summary>The file is read and planned before the node is touched: a wrong file changes nothing.</summary>
    private static Task<RetailPlan> ReadAsync(string path, CancellationToken ct) => RetailProgress.ShowAsync("reading", show => Task.Run(() =>
    {
        try
        {
            using var file = RetailFile.Open(path);
            return RetailPlanner.Make(RetailBook.Load(file.Rows(), rows => show(file.Fraction, $"{rows} rows"), ct));
        }
        catch (InvalidDataException e)
        {
            throw new CommandRefusedException($"{path}: {e.Message}");
        }
    }, ct));

    private static async Task<OpenedNode> OpenAsync(CommandContext context, CancellationToken ct)
    {
        var opened = await NodeOpener.OpenAsync(context.Configuration, ct: ct);
        opened.Node.Start((pump, e) => context.Report.Progress($"{pump.Name}: {e.Message}"));
        return opened;
    }

    private static string SiteCode(string? text) =>
        CodeRule.TryNormalize(text, out var code) ? code : throw new CommandRefusedException($"--site {CodeRule.Description}");

    private static double PeakMemoryMb()
    {
        using var self = Process.GetCurrentProcess();
        return Math.Round(self.PeakWorkingSet64 / 1048576.0, 1);
    }
}
