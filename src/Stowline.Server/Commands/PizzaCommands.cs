using System.CommandLine;
using Stowline.Kernel;
using Stowline.Server.Pizza;
using Stowline.Server.Retail;

namespace Stowline.Server.Commands;

/// <summary><c>import pizza DIR</c> and <c>replay pizza DIR</c>: see docs/kitchen.md.</summary>
internal static class PizzaCommands
{
    private static Argument<string> FolderArgument() => new("DIR") { Description = "the folder of Pizza Place Sales: orders, order_details, pizzas, pizza_types" };

    private static Option<string> SiteOption() => new("--site") { Description = "the kitchen; made where it is missing", HelpName = "CODE", DefaultValueFactory = _ => "PIZZA" };

    public static Command Import()
    {
        var (folder, site) = (FolderArgument(), SiteOption());
        return new Command("pizza", "The menu of Pizza Place Sales, with sizes, prices and ingredients") { folder, site }.Does(async (context, ct) =>
        {
            var code = SiteCode(context.Parsed.GetValue(site));
            var menu = Reading(() => PizzaFiles.ReadMenu(context.Parsed.GetRequiredValue(folder)));
            await using var opened = await OpenAsync(context, null, ct);
            await new PizzaImport(new NodeCalls(opened.Node), code).RunAsync(menu, ct);
            var ingredients = menu.Types.SelectMany(t => t.Ingredients).Distinct(StringComparer.Ordinal).Count();
            context.Report.Line($"{menu.Types.Count} dishes in {menu.Variants.Count} variants of {ingredients} ingredients at {code}");
            return context.Report.End(true, new Dictionary<string, object?>
            {
                ["ok"] = true, ["dishes"] = menu.Types.Count, ["variants"] = menu.Variants.Count, ["ingredients"] = ingredients, ["site"] = code,
            });
        });
    }

    public static Command Replay()
    {
        var (folder, site) = (FolderArgument(), SiteOption());
        var speed = new Option<string>("--speed") { Description = ReplaySpeed.Choices, HelpName = "SPEED", DefaultValueFactory = _ => "max" };
        var capacity = new Option<long?>("--capacity-units") { Description = "the most pizzas in a slot of 15 minutes", HelpName = "N" };
        return new Command("pizza", "Run the orders of Pizza Place Sales through slots, tickets and simulated cooks") { folder, site, speed, capacity }.Does(async (context, ct) =>
        {
            var started = TimeProvider.System.GetTimestamp();
            var code = SiteCode(context.Parsed.GetValue(site));
            if (!ReplaySpeed.TryParse(context.Parsed.GetValue(speed) ?? "max", out var pace)) throw new CommandRefusedException($"--speed must be {ReplaySpeed.Choices}");
            var most = context.Parsed.GetValue(capacity);
            if (most is <= 0 or > Limits.MaxQuantity) throw new CommandRefusedException($"--capacity-units must be 1–{Limits.MaxQuantity}");
            var path = context.Parsed.GetRequiredValue(folder);
            var (menu, orders) = Reading(() => PizzaFiles.ReadMenu(path) is var m ? (m, PizzaFiles.ReadOrders(path, m)) : default);
            if (orders.Count == 0) throw new CommandRefusedException($"{path} has no orders");
            var time = new PizzaTime(orders[0].At.AddHours(-1));
            await using var opened = await OpenAsync(context, time, ct);
            var calls = new NodeCalls(opened.Node);
            await new PizzaImport(calls, code).RunAsync(menu, ct);
            var report = await RetailProgress.ShowAsync("replay", show => new PizzaReplay(calls, time, code, pace, show).RunAsync(menu, orders, most, ct));
            report = report with { Seconds = Math.Round(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 2) };
            context.Report.Line($"{report.Orders} orders of {report.Lines} lines and {report.Pizzas} pizzas for {report.Fields()["revenue"]} {PizzaImport.Currency}; {report.Refused} refused");
            context.Report.Line($"at most {report.MaxLoad} pizzas in a slot; {report.Shifted} orders in a later one; waiting {report.WaitMinutesMean} minutes on average, {report.WaitMinutesMax} at most");
            context.Report.Line($"{report.Ingredients.Count} ingredients, {report.Ingredients.Values.Sum()} uses; verify: {report.Verify}; {report.Seconds} s");
            return context.Report.End(report.Ok, report.Fields());
        });
    }

    /// <summary>The folder is read before the node is touched: wrong files change nothing.</summary>
    private static T Reading<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException e)
        {
            throw new CommandRefusedException(e.Message);
        }
    }

    private static async Task<OpenedNode> OpenAsync(CommandContext context, TimeProvider? time, CancellationToken ct)
    {
        var opened = await NodeOpener.OpenAsync(context.Configuration, time, ct);
        opened.Node.Start((pump, e) => context.Report.Progress($"{pump.Name}: {e.Message}"));
        return opened;
    }

    private static string SiteCode(string? text) =>
        CodeRule.TryNormalize(text, out var code) ? code : throw new CommandRefusedException($"--site {CodeRule.Description}");
}
