using System.CommandLine;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Server.Csv;
using Stowline.Server.Retail;

namespace Stowline.Server.Commands;

/// <summary>
/// <c>import csv KIND FILE</c> and <c>export csv LIST</c>: see docs/csv.md. To import on SQLite the node must be stopped; a running one takes the
/// same over HTTP.
/// </summary>
internal static class CsvCommands
{
    public static Command Import()
    {
        var kind = new Argument<string>("KIND") { Description = string.Join(", ", CsvEndpoints.Kinds) };
        var file = new Argument<string>("FILE") { Description = "the CSV file" };
        var site = new Option<string>("--site") { Description = "the site of bins and stock", HelpName = "CODE" };
        var dryRun = new Option<bool>("--dry-run") { Description = "tell what is wrong with the file and write nothing" };
        return new Command("csv", "Products, bins, stock, orders or a menu from a CSV file") { kind, file, site, dryRun }.Does(async (context, ct) =>
        {
            var what = context.Parsed.GetRequiredValue(kind);
            if (!CsvEndpoints.Kinds.Contains(what)) throw new CommandRefusedException($"KIND must be one of {string.Join(", ", CsvEndpoints.Kinds)}");
            var code = "";
            if (CsvEndpoints.IsOfSite(what) && !CodeRule.TryNormalize(context.Parsed.GetValue(site), out code)) throw new CommandRefusedException($"--site is required for {what}");
            return await ImportAsync(context, what, context.Parsed.GetRequiredValue(file), code, context.Parsed.GetValue(dryRun), ct);
        });
    }

    /// <summary><c>import menu FILE</c>: dishes from CSV or JSON.</summary>
    public static Command ImportMenu()
    {
        var file = new Argument<string>("FILE") { Description = "a CSV file, or JSON as POST /menu/bulk takes it" };
        var dryRun = new Option<bool>("--dry-run") { Description = "tell what is wrong with the file and write nothing" };
        return new Command("menu", "Dishes with variants, extras and ingredients from a CSV or JSON file") { file, dryRun }.Does((context, ct) =>
            ImportAsync(context, "menu", context.Parsed.GetRequiredValue(file), "", context.Parsed.GetValue(dryRun), ct));
    }

    private static async Task<int> ImportAsync(CommandContext context, string what, string path, string site, bool dryRun, CancellationToken ct)
    {
        await using var stream = File.OpenRead(path);
        await using var opened = await NodeOpener.OpenAsync(context.Configuration, ct: ct);
        opened.Node.Start((pump, e) => context.Report.Progress($"{pump.Name}: {e.Message}"));
        if (site.Length > 0 && !opened.Node.Sites.Contains(site)) throw new CommandRefusedException($"there is no site {site} here");
        var target = CsvEndpoints.Target(what, site, new NodeCalls(opened.Node), new Caller("command line"));
        var outcome = await RetailProgress.ShowAsync($"import {what}", show => CsvImport.RunAsync(target, stream, dryRun,
            (done, all) => show(all == 0 ? 1 : (double)done / all, $"{done} of {all} {what}"), ct, isJson: target.TakesJson && BeginsAsJson(stream)));
        return outcome.Refusal is { } no ? Refused(context.Report, no) : Told(context.Report, outcome.Value);
    }

    /// <summary>No header of a CSV file begins with a brace.</summary>
    private static bool BeginsAsJson(FileStream file)
    {
        Span<byte> begin = stackalloc byte[64];
        var text = begin[..file.Read(begin)];
        file.Position = 0;
        if (text.StartsWith(System.Text.Encoding.UTF8.Preamble)) text = text[3..];
        return text.TrimStart(" \r\n\t"u8) is [(byte)'{', ..];
    }

    /// <summary><c>export csv LIST</c>: reads beside a running node, and writes to standard output unless a file is named.</summary>
    public static Command Export()
    {
        var list = new Argument<string>("LIST") { Description = "a list of the API: orders, products, picking-tasks …; with --site also stock, movements, bins, zones, returns, policies" };
        var site = new Option<string>("--site") { Description = "the site of a list below /sites, or only what is at this site", HelpName = "CODE" };
        var filter = new Option<string[]>("--filter") { Description = "a filter of the list, such as status=shipped; may be repeated", HelpName = "NAME=VALUE" };
        var file = new Option<string>("--out") { Description = "write to this file", HelpName = "FILE" };
        return new Command("csv", "A list of the API, whole, as CSV") { list, site, filter, file }.Does(async (context, ct) =>
        {
            var path = context.Parsed.GetValue(file);
            if (path is null && context.Report.IsJson) throw new CommandRefusedException("with --json the file needs a name: --out FILE");
            var filters = (context.Parsed.GetValue(filter) ?? []).Select(f => f.Split('=', 2)).ToList();
            if (filters.Exists(f => f.Length < 2)) throw new CommandRefusedException("--filter is NAME=VALUE");
            await using var node = Node.ForReading(await NodeOpener.OpenToReadAsync(context.Configuration, ct: ct));
            var wanted = new CsvExport.Wanted(context.Parsed.GetRequiredValue(list), context.Parsed.GetValue(site), [.. filters.Select(f => (f[0], f[1]))]);
            // A refusal leaves an existing file as it is: nothing is opened for writing before there is something to write.
            await using var output = new LateStream(() => path is null ? Console.OpenStandardOutput() : File.Create(path));
            if (await CsvExport.RunAsync(node, wanted, output, ct) is { } refused) throw new CommandRefusedException(refused);
            return path is null ? 0 : context.Report.End(true, new Dictionary<string, object?> { ["ok"] = true, ["list"] = wanted.List, ["file"] = Path.GetFullPath(path), ["bytes"] = output.Written });
        });
    }

    private static int Told(Report report, CsvImportResult result)
    {
        report.Line(result.DryRun ? $"{result.Rows} rows are in order; nothing was written"
            : $"{result.Rows} rows: {result.Created} created, {result.Updated} updated, {result.Unchanged} unchanged, {result.Refused.Count} refused");
        foreach (var row in result.Refused) report.Line($"line {row.Line}: {row.Detail} ({row.Code})");
        return report.End(result.Refused.Count == 0, new Dictionary<string, object?>
        {
            ["ok"] = result.Refused.Count == 0, ["kind"] = result.Kind, ["dry_run"] = result.DryRun, ["rows"] = result.Rows, ["created"] = result.Created,
            ["updated"] = result.Updated, ["unchanged"] = result.Unchanged, ["refused"] = result.Refused,
        });
    }

    private static int Refused(Report report, Refusal no)
    {
        foreach (var row in (IEnumerable<BadRow>)no.Extra!["rows"]!) report.Line($"line {row.Line}{(row.Field.Length == 0 ? "" : ", " + row.Field)}: {row.Message}");
        report.Progress("stowline: " + no.Detail);
        return report.End(false, new Dictionary<string, object?> { ["ok"] = false, ["error"] = no.Detail, ["total"] = no.Extra["total"], ["rows"] = no.Extra["rows"] });
    }
}
