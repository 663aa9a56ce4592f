using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Hooks;

/// <summary>What an endpoint was told or is to be told.</summary>
/// <param name="Seq">Its place among the endpoint's deliveries.</param>
/// <param name="LastBody">The beginning of the last answer, at most 1,024 characters.</param>
public sealed record DeliveryView(
    long Seq, string MessageId, string Type, string Subject, string Lane, long Position, DeliveryStatus Status, int Attempts, DateTimeOffset CreatedAt, DateTimeOffset? NextAt,
    DateTimeOffset? LastAt, int? LastStatus, string? LastError, string? LastBody);

/// <summary>Which deliveries to send again: one by its number, or all that failed, or all since a time.</summary>
public sealed record ReplayBody { public long? Seq { get; init; } public bool Failed { get; init; } public DateTimeOffset? Since { get; init; } }

/// <summary>How many deliveries were put in line again.</summary>
public sealed record Replayed(int Deliveries);

/// <summary>
/// The delivery log, replay and the test button. A replay keeps the message's id, so a receiver that has it already can tell. Refusals:
/// <c>webhook_not_found</c>, <c>delivery_not_found</c>, <c>webhook_disabled</c>.
/// </summary>
public static class Deliveries
{
    private const int MostReplayed = 10_000;

    private sealed record Row
    {
        public long Seq { get; init; }
        public Guid EventId { get; init; }
        public string Type { get; init; } = "";
        public string Subject { get; init; } = "";
        public string Lane { get; init; } = "";
        public long Position { get; init; }
        public DeliveryStatus Status { get; init; }
        public int Attempts { get; init; }
        public DateTimeOffset CreatedAt { get; init; }
        public DateTimeOffset NextAt { get; init; }
        public DateTimeOffset? LastAt { get; init; }
        public int? LastStatus { get; init; }
        public string? LastError { get; init; }
        public string? LastBody { get; init; }

        public DeliveryView View => new(Seq, "msg_" + EventId.ToString("N"), Type, Subject, Lane, Position, Status, Attempts, CreatedAt,
            Status == DeliveryStatus.Pending ? NextAt : null, LastAt, LastStatus, LastError, LastBody);
    }

    private const string Columns = "seq, event_id, type, subject, lane, position, status, attempts, created_at, next_at, last_at, last_status, last_error, last_body";

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapGet("/webhooks/{id}/deliveries", (HttpContext http, string id) => ListAsync(http, node, id)).WithTags("Webhooks")
            .WithSummary("What a webhook was told, newest first, with the last answer").Pages<DeliveryView>().Reads("status", "Only in this state.", typeof(DeliveryStatus));
        api.MapGet("/webhooks/{id}/deliveries/{seq}", (HttpContext http, string id, string seq) => GetAsync(http, node, id, seq)).WithTags("Webhooks")
            .WithSummary("One delivery of a webhook: what came of a test, for one").Produces<DeliveryView>();
        api.MapPost("/webhooks/{id}/replay", (HttpContext http, string id) => Commands.RunAsync<ReplayBody, Replayed>(http, node.Lanes, Lane.Hub, (body, tx) => ReplayAsync(id, body, tx)))
            .WithTags("Webhooks").WithSummary("Send deliveries again").Takes<ReplayBody>().Produces<Replayed>();
        api.MapPost("/webhooks/{id}/test", (HttpContext http, string id) => Commands.RunAsync(http, node.Lanes, Lane.Hub, tx => TestAsync(id, tx)))
            .WithTags("Webhooks").WithSummary("Send a test; what came of it stands in the deliveries").Produces<DeliveryView>();
    }

    private static async Task ListAsync(HttpContext http, Node node, string id)
    {
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var (limit, cursor) = paging.Value;
        var before = long.MaxValue;
        if (cursor is not null && !long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out before))
        {
            await Answers.WriteAsync(http, Refusal.Invalid("cursor", "is not one that this list gave"));
            return;
        }
        DeliveryStatus? status = null;
        if (Requests.Query(http, "status") is { } text)
        {
            if (!SnakeCaseEnum<DeliveryStatus>.TryParse(text, out var known)) { await Answers.WriteAsync(http, Refusal.Invalid("status", SnakeCaseEnum<DeliveryStatus>.Choices)); return; }
            status = known;
        }
        var rows = await node.Database.ReadAsync(async session =>
        {
            if (!Guid.TryParseExact(id, "D", out var key) || await Webhooks.FindAsync(session, key) is null) return null;
            return status is { } only
                ? await session.QueryAsync<Row>($"SELECT {Columns} FROM webhook_deliveries WHERE webhook_id = @key AND status = @only AND seq < @before ORDER BY seq DESC LIMIT @most",
                    new { key, only, before, most = limit + 1 })
                : await session.QueryAsync<Row>($"SELECT {Columns} FROM webhook_deliveries WHERE webhook_id = @key AND seq < @before ORDER BY seq DESC LIMIT @most",
                    new { key, before, most = limit + 1 });
        }, http.RequestAborted);
        if (rows is null) { await Answers.WriteAsync(http, SaveWebhook.NotFound(id)); return; }
        DeliveryView[] items = [.. rows.Take(limit).Select(r => r.View)];
        var next = rows.Count > limit ? items[^1].Seq.ToString(CultureInfo.InvariantCulture) : null;
        await Answers.WriteAsync<Page<DeliveryView>>(http, new Page<DeliveryView>(items, next));
    }

    private static async Task GetAsync(HttpContext http, Node node, string id, string seq)
    {
        var number = long.TryParse(seq, NumberStyles.None, CultureInfo.InvariantCulture, out var known) ? known : 0; // they are counted from 1
        var (hook, row) = await node.Database.ReadAsync(async session => Guid.TryParseExact(id, "D", out var key) && await Webhooks.FindAsync(session, key) is { } found
            ? (found, await session.FindAsync<Row>($"SELECT {Columns} FROM webhook_deliveries WHERE webhook_id = @key AND seq = @number", new { key, number })) : (null, null), http.RequestAborted);
        await Answers.WriteAsync(http, hook is null ? SaveWebhook.NotFound(id) : row is null ? NoDelivery(id, seq) : (Outcome<DeliveryView>)row.View);
    }

    private static Refusal NoDelivery(string id, string seq) => Refusal.NotFound("delivery_not_found", $"webhook {id} has no delivery {seq}");

    public static async ValueTask<Outcome<Replayed>> ReplayAsync(string id, ReplayBody body, LaneTransaction tx)
    {
        if ((body.Seq is not null ? 1 : 0) + (body.Failed ? 1 : 0) + (body.Since is not null ? 1 : 0) != 1) return Refusal.Invalid("seq", "or failed or since must be given, and only one of them");
        if (await SaveWebhook.FindAsync(tx, id) is not { } hook) return SaveWebhook.NotFound(id);
        if (body.Seq is { } asked && await tx.FindAsync<int?>("SELECT status FROM webhook_deliveries WHERE webhook_id = @id AND seq = @asked", new { id = hook.Id, asked }) is null)
            return NoDelivery(id, asked.ToString(CultureInfo.InvariantCulture));
        // Nothing but its state changes: it is then the oldest open delivery of its subject, and goes first. One that waits is asked for now instead of when its time comes.
        var count = body switch
        {
            { Seq: { } seq } => await AgainAsync("seq = @seq", new { id = hook.Id, now = tx.Now, seq }),
            { Failed: true } => await AgainAsync($"seq IN (SELECT seq FROM webhook_deliveries WHERE webhook_id = @id AND status = 3 ORDER BY seq LIMIT {MostReplayed})",
                new { id = hook.Id, now = tx.Now }),
            _ => await AgainAsync($"seq IN (SELECT seq FROM webhook_deliveries WHERE webhook_id = @id AND status IN (2, 3) AND created_at >= @since ORDER BY seq LIMIT {MostReplayed})",
                new { id = hook.Id, now = tx.Now, since = body.Since }),
        };
        if (count > 0) await AskNowAsync(tx, hook.Id);
        return new Replayed(count);

        ValueTask<int> AgainAsync(string which, object args) =>
            tx.ExecuteAsync($"UPDATE webhook_deliveries SET status = 1, attempts = 0, next_at = @now WHERE webhook_id = @id AND {which}", args);
    }

    /// <summary>Whoever asks for something has repaired something. A pause that is over stays as it is: its end tells when the endpoint was last asked.</summary>
    private static ValueTask AskNowAsync(LaneTransaction tx, Guid id) =>
        tx.WriteAsync("UPDATE webhooks SET paused_until = @now WHERE id = @id AND paused_until > @now", new { id, now = tx.Now });

    public static async ValueTask<Outcome<DeliveryView>> TestAsync(string id, LaneTransaction tx)
    {
        if (await SaveWebhook.FindAsync(tx, id) is not { } hook) return SaveWebhook.NotFound(id);
        if (!hook.Enabled) return Refusal.Conflict("webhook_disabled", "it is switched off: " + hook.DisabledReason);
        var seq = await tx.ChangeAsync<long>("UPDATE webhooks SET next_seq = next_seq + 1 WHERE id = @id RETURNING next_seq", new { id = hook.Id }) - 1;
        await AskNowAsync(tx, hook.Id);
        var message = tx.NewId();
        // A subject of its own: it waits behind nothing.
        await HookFeed.InsertAsync(tx, hook.Id, seq, message, HookFeed.TestLane, 0, HookFeed.TestType, "test/" + message);
        return new DeliveryView(seq, "msg_" + message.ToString("N"), HookFeed.TestType, "test/" + message, HookFeed.TestLane, 0, DeliveryStatus.Pending, 0, tx.Now, tx.Now, null, null, null, null);
    }
}
