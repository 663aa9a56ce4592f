using Stowline.Adapters.Brokers;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Link;
using Stowline.Log;
using Stowline.Server.Telemetry;
using Stowline.Store;

namespace Stowline.Server.Operations;

/// <summary>A traffic light: all well, something to look at, something broken.</summary>
[System.Text.Json.Serialization.JsonConverter(typeof(SnakeCaseEnum<StatusLight>))]
public enum StatusLight { Green = 1, Yellow = 2, Red = 3 }

/// <summary>Why the light is not green.</summary>
public sealed record StatusReason(StatusLight Status, string Code, string Detail);

public sealed record ConsumerStatus(string Consumer, string Lane, long Position, long Head, long Lag);

/// <param name="FailingSince">Since when every step has failed; null while steps succeed.</param>
public sealed record PumpStatus(string Name, long Errors, string? LastError, DateTimeOffset? LastErrorAt, DateTimeOffset? FailingSince);

/// <summary>The commands that wait for a writer.</summary>
public sealed record QueueStatus(string Name, int Depth, int Capacity);

/// <summary>The file system that the data is on; null where that cannot be told.</summary>
public sealed record DiskStatus(long? FreeBytes, long? SizeBytes);

/// <summary>How a node stands. <see cref="Status"/> is its worst reason's.</summary>
public sealed record SystemStatus(
    StatusLight Status, IReadOnlyList<StatusReason> Reasons, string Node, string Process, string Version, DateTimeOffset StartedAt, long UptimeSeconds, string Database, long DatabaseBytes,
    DiskStatus Disk, int QueueDepth, IReadOnlyList<QueueStatus> Queues, long Parked, long Stuck, IReadOnlyDictionary<string, long> StuckByReason,
    IReadOnlyList<LaneStatus> Lanes, IReadOnlyList<ConsumerStatus> Consumers, IReadOnlyList<PumpStatus> Pumps, int LiveClients,
    IReadOnlyList<NodeProcess> Processes, IReadOnlyList<LinkView> Links, BrokersStatus Brokers);

/// <summary>How a node stands: lanes, consumers, pumps; and whether its books agree.</summary>
internal static class StatusEndpoints
{
    /// <summary>What the server knows beside the node.</summary>
    internal sealed record Around(string Name, Disk Disk, Func<int> LiveClients, DateTimeOffset Started);

    public static void Map(IEndpointRouteBuilder api, Node node, Around around)
    {
        api.Get("/system/status", async http => await Answers.WriteAsync<SystemStatus>(http, await ReadAsync(node, around, http.RequestAborted)))
            .WithTags("System").WithSummary("How the node stands: a traffic light with its reasons, lanes, consumers, queues, pumps, disk").Produces<SystemStatus>();
        api.Get("/system/verify", async http => await Answers.WriteAsync<VerificationReport>(http, await Verification.RunAsync(node, http.RequestAborted)))
            .WithTags("System").WithSummary("Check the books: hash chains, ledger sums, escrow").Produces<VerificationReport>();
    }

    internal static async Task<SystemStatus> ReadAsync(Node node, Around around, CancellationToken ct)
    {
        var (lanes, parked, stuck) = await node.Database.ReadAsync(async s =>
            (await LaneReader.LanesAsync(s), await LaneReader.ParkedCountAsync(s), await StuckOrders.CountAsync(s)), ct);
        var now = node.Time.GetUtcNow();
        var status = new SystemStatus(StatusLight.Green, [], around.Name, node.Lanes.Process, Configuration.Version, around.Started, (long)(now - around.Started).TotalSeconds,
            node.Database.Engine, await node.Database.SizeAsync(ct), new DiskStatus(around.Disk.Free, around.Disk.Size), node.Lanes.QueueDepth,
            [.. node.Lanes.Queues.Select(q => new QueueStatus(q.Writer, q.Depth, node.Lanes.QueueCapacity))], parked,
            stuck.Values.Sum(), stuck.Where(s => s.Value > 0).ToDictionary(s => SnakeCaseEnum<StuckReason>.Text(s.Key), s => s.Value), lanes,
            [.. node.Lanes.Progress.Select(p => new ConsumerStatus(p.Consumer, p.Lane.Name, p.Position, p.Head, p.Lag))
                .OrderBy(c => c.Consumer, StringComparer.Ordinal).ThenBy(c => c.Lane, StringComparer.Ordinal)],
            [.. node.Pumps.Select(p => new PumpStatus(p.Name, p.Errors, p.LastError, p.LastErrorAt, p.FailingSince))], around.LiveClients(), node.Lanes.Processes,
            await LinkViews.ReadAsync(node.Database, node.Modules.OfType<LinkModule>().FirstOrDefault(), ct), BrokersStatus.Of(node));
        var reasons = StatusRules.Of(status, node.Lanes.BacklogLimit, now);
        return status with { Status = reasons.Count == 0 ? StatusLight.Green : reasons.Max(r => r.Status), Reasons = reasons };
    }
}

/// <summary>What makes the light yellow or red. Pure.</summary>
internal static class StatusRules
{
    /// <summary>Longer than this is no hiccup (F12: a service that is away for five minutes).</summary>
    private static readonly TimeSpan FailingTooLong = TimeSpan.FromMinutes(5);
    private const long WorthMentioning = 10_000;

    /// <summary>A broker takes and gives events within seconds. What waits for longer stands behind something that does not go on.</summary>
    internal static readonly TimeSpan BrokerPatience = TimeSpan.FromMinutes(5);

    /// <summary>Who reads what goes out is not ours to wake; but nobody leaves it for an hour on purpose.</summary>
    internal static readonly TimeSpan ReaderPatience = TimeSpan.FromHours(1);
    internal const long UnreadMessages = 100_000;
    private const double DiskLow = 0.10;
    private const double DiskNearlyFull = 0.02;

    public static IReadOnlyList<StatusReason> Of(SystemStatus s, long backlogLimit, DateTimeOffset now)
    {
        var reasons = new List<StatusReason>();
        void Say(StatusLight light, string code, string detail) => reasons.Add(new StatusReason(light, code, detail));
        foreach (var pump in s.Pumps)
            if (pump.FailingSince is { } since)
                Say(now - since > FailingTooLong ? StatusLight.Red : StatusLight.Yellow, "pump_failing", $"{pump.Name} fails since {Store.RowTypes.Text(since)}: {pump.LastError}");
        if (s.Consumers.Sum(c => c.Lag) is var lag && lag > backlogLimit) Say(StatusLight.Red, "backlog", $"{lag} events wait for the consumers: orders are refused");
        else if (lag > WorthMentioning) Say(StatusLight.Yellow, "consumer_lag", $"{lag} events wait for the consumers");
        foreach (var queue in s.Queues)
        {
            if (queue.Depth >= queue.Capacity) Say(StatusLight.Red, "queue_full", $"the queue of {queue.Name} is full: requests are refused");
            else if (queue.Depth > queue.Capacity / 2) Say(StatusLight.Yellow, "queue_long", $"{queue.Depth} commands wait for {queue.Name}");
        }
        if (s.Disk is { FreeBytes: { } free, SizeBytes: > 0 and var size })
        {
            var share = (double)free / size;
            if (share < DiskNearlyFull) Say(StatusLight.Red, "disk_nearly_full", $"{free} bytes are free");
            else if (share < DiskLow) Say(StatusLight.Yellow, "disk_low", $"{free} bytes are free");
        }
        foreach (var link in s.Links)
            foreach (var alert in link.Alerts) Say(alert == "diverged" ? StatusLight.Red : StatusLight.Yellow, "link_" + alert, $"the link of {link.Site}: see /api/v1/links");
        foreach (var (code, detail) in OfBrokers(s.Brokers)) Say(StatusLight.Yellow, code, detail);
        if (s.Parked > 0) Say(StatusLight.Yellow, "parked", $"{s.Parked} events wait for an operator");
        if (s.Stuck > 0) Say(StatusLight.Yellow, "stuck", $"{s.Stuck} orders stand still for too long");
        return reasons;
    }

    private static IEnumerable<(string Code, string Detail)> OfBrokers(BrokersStatus brokers)
    {
        foreach (var relay in brokers.Relays)
            if (relay.OldestSeconds > BrokerPatience.TotalSeconds) yield return ("relay_lag", $"{relay.Lag} events wait for {relay.Name}, the oldest for {Minutes(relay.OldestSeconds)}");
        foreach (var intake in brokers.Intakes)
            if (intake.OldestSeconds > BrokerPatience.TotalSeconds || intake.Messages > WorthMentioning)
                yield return ("intake_lag", $"{intake.Messages} messages wait for {intake.Name}" + (intake.OldestSeconds is { } oldest ? $", the oldest for {Minutes(oldest)}" : ""));
        foreach (var (broker, queue) in brokers.Brokers.SelectMany(b => b.Queues.Select(q => (b.Broker, q))))
        {
            if (queue.Kind == QueueKind.Dead && queue.Messages > 0) yield return ("dead_letters", $"{queue.Messages} dead letters lie in {queue.Name} of {broker}");
            if (queue.Kind != QueueKind.Out) continue;
            foreach (var group in queue.Groups)
                if (group.AgeSeconds > ReaderPatience.TotalSeconds) yield return ("reader_lag", $"the group {group.Name} has not read {queue.Name} of {broker} for {Minutes(group.AgeSeconds.Value)}");
            if (queue.Groups.Count == 0 && broker == "rabbitmq" && queue.Messages > UnreadMessages) yield return ("reader_lag", $"{queue.Messages} events lie in {queue.Name} of {broker}, and nobody takes them");
        }
    }

    private static string Minutes(double seconds) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Math.Floor(seconds / 60):0} min");
}
