using System.CommandLine;
using Stowline.Log;

namespace Stowline.Server.Commands;

internal static class VerifyCommand
{
    public static Command Define() => new Command("verify", "Check a node against itself, running or stopped").Does(async (context, ct) =>
    {
        // Everything is read from one snapshot, so a node may be writing meanwhile. Nothing is made where there is nothing: "all is well" about
        // a mistyped folder would help nobody.
        await using var node = Node.ForReading(await NodeOpener.OpenToReadAsync(context.Configuration, ct: ct));
        var report = await Verification.RunAsync(node, ct);
        foreach (var (check, result) in report.Checks) context.Report.Line($"{check}: {result}");
        return context.Report.End(report.Ok, new Dictionary<string, object?> { ["ok"] = report.Ok, ["checks"] = report.Checks });
    });
}
