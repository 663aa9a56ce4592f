using Stowline.Adapters.Brokers;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Server.Operations;

/// <summary>
/// Events that a consumer could not handle or a broker would not take, and messages from brokers that could not be taken: an operator sees them, repairs the cause and resumes, or gives them
/// up with a reason.
/// </summary>
internal static class ParkedEndpoints
{
    internal sealed record ResumeParked(string? Consumer, string? Lane, string? Subject);
    internal sealed record DiscardParked(string? Consumer, string? Lane, string? Subject, long? Position, string? Reason);
    internal sealed record Resumed(int Events);

    public static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.Get("/system/parked", http => ListAsync(http, node)).WithTags("System").WithSummary("Events that a consumer could not handle").Pages<ParkedEvent>();
        api.Post("/system/parked/resume", http => ResumeAsync(http, node)).WithTags("System").WithSummary("Try the parked events of a subject again")
            .Takes<ResumeParked>().Produces<Resumed>();
        api.Post("/system/parked/discard", http => DiscardAsync(http, node)).WithTags("System").WithSummary("Give up parked events, with a reason that stands in the log")
            .Takes<DiscardParked>().Produces<Resumed>();
    }

    /// <summary>Ordered by consumer, lane and position; the cursor is the last row's place in that order.</summary>
    private static async Task ListAsync(HttpContext http, Node node)
    {
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var (limit, cursor) = paging.Value;
        var after = cursor?.Split('|') ?? ["", "", "0"];
        if (after.Length != 3 || !long.TryParse(after[2], out var position)) { await Answers.WriteAsync(http, Refusal.Invalid("cursor", "is not one that this list gave")); return; }
        var rows = await node.Database.ReadAsync(async session => await LaneReader.ParkedAsync(session, after[0], after[1], position, limit + 1), http.RequestAborted);
        var items = rows.Take(limit).ToArray();
        var next = rows.Count > limit ? $"{items[^1].Consumer}|{items[^1].Lane}|{items[^1].Position}" : null;
        await Answers.WriteAsync<Page<ParkedEvent>>(http, new Page<ParkedEvent>(items, next));
    }

    private static async Task ResumeAsync(HttpContext http, Node node)
    {
        var body = await Requests.ReadAsync<ResumeParked>(http);
        if (body.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        await Http.Commands.RunStepsAsync(http, node.Lanes, node.Role.Home, async _ => (await ResumeAsync(body.Value, node, http.RequestAborted)).Map(count => new Resumed(count)));
    }

    private static async Task<Outcome<int>> ResumeAsync(ResumeParked what, Node node, CancellationToken ct)
    {
        if (Intake(node, what.Consumer) is { } intake && what is { Lane: { Length: > 0 } source, Subject: { Length: > 0 } message }) return await intake.ReplayAsync(source, message, ct);
        if (Relay(node, what.Consumer, what.Lane) is { } relay && what.Subject is { Length: > 0 } refused) return await relay.ResumeAsync(refused, ct);
        var pump = Find(node, what.Consumer, what.Lane, what.Subject);
        return pump.Refusal is { } none ? none : await pump.Value.ResumeAsync(what.Subject!, ct);
    }

    private static async Task DiscardAsync(HttpContext http, Node node)
    {
        var body = await Requests.ReadAsync<DiscardParked>(http);
        if (body.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var problems = new Problems();
        problems.Check(!string.IsNullOrWhiteSpace(body.Value.Reason), "reason", "is required: it stands in the log");
        problems.Text(body.Value.Reason, "reason", 500);
        if (problems.Any) { await Answers.WriteAsync(http, problems.ToRefusal()); return; }
        await Http.Commands.RunStepsAsync(http, node.Lanes, node.Role.Home, async caller => (await DiscardAsync(body.Value, node, caller, http.RequestAborted)).Map(count => new Resumed(count)));
    }

    private static async Task<Outcome<int>> DiscardAsync(DiscardParked what, Node node, Caller caller, CancellationToken ct)
    {
        if (Intake(node, what.Consumer) is { } intake && what is { Lane: { Length: > 0 } source, Subject: { Length: > 0 } message })
            return await ParkedMessages.DiscardAsync(node.Lanes, intake.Name, source, message, what.Position, what.Reason!, caller, ct);
        if (Relay(node, what.Consumer, what.Lane) is { } relay && what.Subject is { Length: > 0 } refused)
            return await relay.DiscardAsync(refused, what.Position, what.Reason!, caller, ct);
        var pump = Find(node, what.Consumer, what.Lane, what.Subject);
        return pump.Refusal is { } none ? none : await pump.Value.DiscardAsync(what.Subject!, what.Position, what.Reason!, caller, ct);
    }

    /// <summary>The intake that a message was parked by, while the node still reads from that broker.</summary>
    private static OrderIntake? Intake(Node node, string? consumer) => node.Pumps.OfType<OrderIntake>().FirstOrDefault(i => i.Name == consumer);

    /// <summary>The relay whose broker would not take an event, while the node still has it.</summary>
    private static LaneRelay? Relay(Node node, string? name, string? lane) => node.Pumps.OfType<LaneRelay>().FirstOrDefault(r => r.Name == name && r.Lane.Name == lane);

    private static Outcome<ConsumerPump> Find(Node node, string? consumer, string? lane, string? subject)
    {
        var problems = new Problems();
        problems.Check(!string.IsNullOrEmpty(consumer), "consumer", "is required");
        problems.Check(!string.IsNullOrEmpty(lane), "lane", "is required");
        problems.Check(!string.IsNullOrEmpty(subject), "subject", "is required");
        if (problems.Any) return problems.ToRefusal();
        return node.Consumers.FirstOrDefault(c => c.Consumer.Name == consumer && c.Source.Name == lane) is { } pump
            ? pump : Refusal.NotFound("consumer_not_found", $"there is no consumer {consumer} of the lane {lane} here");
    }
}
