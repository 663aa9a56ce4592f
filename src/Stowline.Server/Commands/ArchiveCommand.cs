using System.CommandLine;
using System.Globalization;
using Stowline.Hub.Ordering;
using Stowline.Log;

namespace Stowline.Server.Commands;

/// <summary>Moves closed orders and old events out of the way; see docs/archive.md.</summary>
internal static class ArchiveCommand
{
    public static Command Define()
    {
        var before = new Option<string>("--before") { Description = "orders placed and events written before this day (UTC)", HelpName = "YYYY-MM-DD", Required = true };
        var dryRun = new Option<bool>("--dry-run") { Description = "only say how many orders it would be" };
        return new Command("archive", "Move closed orders of the past into the archive, and old events into files (with SQLite: stop the node first)") { before, dryRun }.Does(async (context, ct) =>
        {
            if (!DateOnly.TryParseExact(context.Parsed.GetValue(before), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
                throw new CommandRefusedException("--before is a day such as 2025-12-31");
            var time = new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
            if (context.Parsed.GetValue(dryRun))
            {
                await using var database = await NodeOpener.OpenToReadAsync(context.Configuration, ct: ct);
                var count = await database.ReadAsync(session => ArchivedOrders.CountAsync(session, time), ct);
                context.Report.Line($"{count} closed orders would be archived; nothing was changed");
                return context.Report.End(true, new Dictionary<string, object?> { ["orders"] = count, ["events"] = 0, ["dry_run"] = true });
            }
            await using var opened = await NodeOpener.OpenAsync(context.Configuration, ct: ct);
            if (time > opened.Node.Time.GetUtcNow()) throw new CommandRefusedException("--before must not be in the future");
            return await RunAsync(opened.Node, time, context, ct);
        });
    }

    /// <summary>Where the files go: beside the data, so that a copy of the folder has them.</summary>
    public static string FolderOf(Configuration configuration) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(configuration.SqlitePath))!, "archive");

    private static async Task<int> RunAsync(Node node, DateTimeOffset before, CommandContext context, CancellationToken ct)
    {
        node.Start((pump, e) => context.Report.Progress($"{pump.Name}: {e.Message}"));
        long orders = 0, events = 0;
        // Orders first: they take their timelines with them, and then hold no events back.
        for (var (moved, next) = await ArchivedOrders.StepAsync(node, before, null, ct); next is not null; (moved, next) = await ArchivedOrders.StepAsync(node, before, next, ct))
        {
            orders += moved;
            context.Report.Progress($"{orders} orders");
        }
        var archive = new LogArchive(node, FolderOf(context.Configuration));
        foreach (var lane in await node.Database.ReadAsync(async session => await LaneReader.LanesAsync(session), ct))
        {
            while (await archive.StepAsync(lane.Name, before, ct) is > 0 and var moved) events += moved;
            context.Report.Progress($"{lane.Name}: {events} events so far");
        }
        context.Report.Line($"{orders} orders and {events} events before {before:yyyy-MM-dd} are archived in {FolderOf(context.Configuration)}");
        return context.Report.End(true, new Dictionary<string, object?> { ["orders"] = orders, ["events"] = events, ["dry_run"] = false, ["folder"] = FolderOf(context.Configuration) });
    }
}
