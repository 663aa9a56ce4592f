using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Server.Operations;

/// <summary>How a node stands: lanes, consumers, pumps; and whether its books agree.</summary>
internal static class StatusEndpoints
{
    private sealed record ConsumerStatus(string Consumer, string Lane, long Position, long Head, long Lag);
    private sealed record PumpStatus(string Name, long Errors, string? LastError, DateTimeOffset? LastErrorAt);

    private sealed record Status(
        string Version, string Process, DateTimeOffset StartedAt, long UptimeSeconds, string Database, long DatabaseBytes, int QueueDepth, long Parked,
        IReadOnlyList<LaneStatus> Lanes, IReadOnlyList<ConsumerStatus> Consumers, IReadOnlyList<PumpStatus> Pumps,
        IReadOnlyList<NodeProcess> Processes, IReadOnlyList<object> Links);

    public static void Map(IEndpointRouteBuilder api, Node node, DateTimeOffset started)
    {
        api.Get("/system/status", async http => await Answers.WriteAsync<Status>(http, await StatusAsync(node, started, http.RequestAborted)))
            .WithTags("System").WithSummary("How the node stands: lanes, consumers, pumps").Produces<Status>();
        api.Get("/system/verify", async http => await Answers.WriteAsync<VerificationReport>(http, await Verification.RunAsync(node, http.RequestAborted)))
            .WithTags("System").WithSummary("Check the books: hash chains, ledger sums, escrow").Produces<VerificationReport>();
    }

    private static async Task<Status> StatusAsync(Node node, DateTimeOffset started, CancellationToken ct)
    {
        var lanes = await node.Database.ReadAsync(async s => await LaneReader.LanesAsync(s), ct);
        var parked = await node.Database.ReadAsync(async s => await LaneReader.ParkedCountAsync(s), ct);
        var consumers = node.Lanes.Progress.Select(p => new ConsumerStatus(p.Consumer, p.Lane.Name, p.Position, p.Head, p.Lag))
            .OrderBy(c => c.Consumer, StringComparer.Ordinal).ThenBy(c => c.Lane, StringComparer.Ordinal);
        var pumps = node.Pumps.Select(p => new PumpStatus(p.Name, p.Errors, p.LastError, p.LastErrorAt));
        var now = node.Time.GetUtcNow();
        return new Status(Configuration.Version, node.Lanes.Process, started, (long)(now - started).TotalSeconds, node.Database.Engine, await node.Database.SizeAsync(ct),
            node.Lanes.QueueDepth, parked, lanes, [.. consumers], [.. pumps], node.Lanes.Processes, Links: []);
    }
}
