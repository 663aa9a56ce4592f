using System.CommandLine;
using Stowline.Log;

namespace Stowline.Server.Commands;

internal static class VerifyCommand
{
    public static Command Define() => new Command("verify", "Check a stopped node against itself; a running one answers GET /api/v1/system/verify").Does(async (context, ct) =>
    {
        // Nothing is made where there is nothing: "all is well" about a mistyped folder would help nobody.
        await using (await NodeOpener.OpenToReadAsync(context.Configuration, ct: ct)) { }
        await using var opened = await NodeOpener.OpenAsync(context.Configuration, ct: ct);
        var report = await Verification.RunAsync(opened.Node, ct);
        foreach (var (check, result) in report.Checks) context.Report.Line($"{check}: {result}");
        return context.Report.End(report.Ok, new Dictionary<string, object?> { ["ok"] = report.Ok, ["checks"] = report.Checks });
    });
}
