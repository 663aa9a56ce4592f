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
        var (wrong, absent) = await node.Database.ReadAsync(session => LogArchive.VerifyAsync(session, ArchiveCommand.FolderOf(context.Configuration)), ct);
        if (absent > 0) context.Report.Progress($"{absent} archive files are not in {ArchiveCommand.FolderOf(context.Configuration)}: they were not checked");
        var checks = new Dictionary<string, string>(report.Checks, StringComparer.Ordinal) { ["archive"] = wrong ?? "ok" };
        var ok = report.Ok && wrong is null;
        foreach (var (check, result) in checks) context.Report.Line($"{check}: {result}");
        return context.Report.End(ok, new Dictionary<string, object?> { ["ok"] = ok, ["checks"] = checks });
    });
}
