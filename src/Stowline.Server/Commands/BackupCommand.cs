using System.CommandLine;
using Stowline.Log;

namespace Stowline.Server.Commands;

internal static class BackupCommand
{
    public static Command Define()
    {
        var target = new Argument<string>("FILE") { Description = "the file to write; must not exist" };
        return new Command("backup", "Write the whole database into one file, also beside a running node") { target }.Does(async (context, ct) =>
        {
            var path = context.Parsed.GetRequiredValue(target);
            await using var database = await NodeOpener.OpenToReadAsync(context.Configuration, ct: ct);
            try
            {
                var (manifest, rows) = await Backup.WriteAsync(database, path, Configuration.Version, context.Report.Progress, ct);
                var bytes = new FileInfo(path).Length;
                context.Report.Line($"{Path.GetFullPath(path)}: {rows} rows, {bytes} bytes, {manifest.Lanes.Sum(l => l.HeadPosition)} events in {manifest.Lanes.Count} lanes, verified");
                return context.Report.End(true, new Dictionary<string, object?>
                {
                    ["file"] = Path.GetFullPath(path), ["at"] = manifest.At, ["rows"] = rows, ["bytes"] = bytes, ["lanes"] = manifest.Lanes, ["verified"] = true,
                });
            }
            catch (InvalidOperationException e)
            {
                throw new CommandRefusedException(e.Message);
            }
        });
    }
}
