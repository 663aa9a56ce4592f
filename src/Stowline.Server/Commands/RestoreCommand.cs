using System.CommandLine;
using Stowline.Log;

namespace Stowline.Server.Commands;

internal static class RestoreCommand
{
    public static Command Define()
    {
        var source = new Argument<string>("FILE") { Description = "a file written by stowline backup, from either database" };
        return new Command("restore", "Fill an empty database from a backup and open a new incarnation of its lanes") { source }.Does(async (context, ct) =>
        {
            var path = context.Parsed.GetRequiredValue(source);
            if (!File.Exists(path)) throw new CommandRefusedException($"there is no file {Path.GetFullPath(path)}");
            var manifest = await RestoreAsync(context.Configuration, path, ct);
            await using var opened = await NodeOpener.OpenAsync(context.Configuration, ct: ct);
            var report = await Verification.RunAsync(opened.Node, ct);
            foreach (var (check, result) in report.Checks) context.Report.Line($"{check}: {result}");
            context.Report.Line(manifest.MovedOut is { } moved ? $"{opened.Node.Database.Engine} is now the node of site {moved.Site}, which was moved out of its hub at {moved.MovedAt:u}"
                : $"restored the state of {manifest.At:u} into {opened.Node.Database.Engine}; what was written after it is not here");
            return context.Report.End(report.Ok, new Dictionary<string, object?>
            {
                ["ok"] = report.Ok, ["backup_at"] = manifest.At, ["lanes"] = manifest.Lanes.Count, ["checks"] = report.Checks,
            });
        });
    }

    internal static async Task<BackupManifest> RestoreAsync(Configuration configuration, string path, CancellationToken ct)
    {
        var (database, folder) = await NodeOpener.OpenDatabaseAsync(configuration, ct: ct);
        try
        {
            return await Node.RestoreAsync(database, path, ct: ct);
        }
        catch (InvalidOperationException e)
        {
            throw new CommandRefusedException(e.Message);
        }
        finally
        {
            await database.DisposeAsync();
            folder?.Dispose();
        }
    }
}
