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
        if (Intake(node, body.Value.Consumer) is { } intake && body.Value is { Lane: { Length: > 0 } source, Subject: { Length: > 0 } message })
        {
            await Answers.WriteAsync(http, (await intake.ReplayAsync(source, message, http.RequestAborted)).Map(count => new Resumed(count)));
            return;
        }
        if (Relay(node, body.Value.Consumer, body.Value.Lane) is { } relay && body.Value.Subject is { Length: > 0 } refused)
        {
            await Answers.WriteAsync(http, (await relay.ResumeAsync(refused, http.RequestAborted)).Map(count => new Resumed(count)));
            return;
        }
        var pump = Find(node, body.Value.Consumer, body.Value.Lane, body.Value.Subject);
        if (pump.Refusal is { } none) { await Answers.WriteAsync(http, none); return; }
        var outcome = await pump.Value.ResumeAsync(body.Value.Subject!, http.RequestAborted);
        await Answers.WriteAsync(http, outcome.Map(count => new Resumed(count)));
    }

    private static async Task DiscardAsync(HttpContext http, Node node)
    {
        var body = await Requests.ReadAsync<DiscardParked>(http);
        if (body.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var problems = new Problems();
        problems.Check(!string.IsNullOrWhiteSpace(body.Value.Reason), "reason", "is required: it stands in the log");
        problems.Text(body.Value.Reason, "reason", 500);
        if (problems.Any) { await Answers.WriteAsync(http, problems.ToRefusal()); return; }
        var caller = Requests.CallerOf(http);
        if (caller.Refusal is { } wrong) { await Answers.WriteAsync(http, wrong); return; }
        if (Intake(node, body.Value.Consumer) is { } intake && body.Value is { Lane: { Length: > 0 } source, Subject: { Length: > 0 } message })
        {
            var discarded = await ParkedMessages.DiscardAsync(node.Lanes, intake.Name, source, message, body.Value.Position, body.Value.Reason!, caller.Value with { Idempotency = null }, http.RequestAborted);
            await Answers.WriteAsync(http, discarded.Map(count => new Resumed(count)));
            return;
        }
        if (Relay(node, body.Value.Consumer, body.Value.Lane) is { } relay && body.Value.Subject is { Length: > 0 } refused)
        {
            var gone = await relay.DiscardAsync(refused, body.Value.Position, body.Value.Reason!, caller.Value with { Idempotency = null }, http.RequestAborted);
            await Answers.WriteAsync(http, gone.Map(count => new Resumed(count)));
            return;
        }
        var pump = Find(node, body.Value.Consumer, body.Value.Lane, body.Value.Subject);
        if (pump.Refusal is { } none) { await Answers.WriteAsync(http, none); return; }
        var outcome = await pump.Value.DiscardAsync(body.Value.Subject!, body.Value.Position, body.Value.Reason!, caller.Value with { Idempotency = null }, http.RequestAborted);
        await Answers.WriteAsync(http, outcome.Map(count => new Resumed(count)));
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
