using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Hooks;

/// <summary>
/// Gives each endpoint its deliveries out of the lanes, with a cursor per endpoint and lane that moves in the same transaction. Sending is
/// <see cref="HookSender"/>'s; an endpoint that does not keep up has its cursor wait, and nobody else's.
/// </summary>
internal sealed class HookFeed : Pump, IAsyncDisposable
{
    public const string TestType = "webhook.test";
    public const string TestLane = "test";
    private const int BatchSize = 500;
    private const int CleanStep = 1_000;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);
    private static readonly TimeSpan BetweenCleaning = TimeSpan.FromHours(1);

    private readonly Node _node;
    private volatile bool _any;
    private readonly Rest _cleaned;

    private sealed record CursorRow { public Guid WebhookId { get; init; } public string Lane { get; init; } = ""; public long Position { get; init; } }

    public HookFeed(Node node)
    {
        (_node, _cleaned) = (node, new Rest(node.Time));
        node.Lanes.Committed += OnCommitted;
    }

    public override string Name => "webhook feed";

    /// <summary>What happens at the hub and at the sites. What the hub tells the sites is the same again.</summary>
    public static bool Follows(string lane) => lane == Lane.Hub.Name || lane.StartsWith("site/", StringComparison.Ordinal);

    private void OnCommitted(Lane lane, IReadOnlyList<EventRecord> events)
    {
        if (_any && Follows(lane.Name)) Wake.Set();
    }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var cleaned = await CleanAsync(ct);
        var hooks = (await _node.Database.ReadAsync(async s => await Webhooks.AllAsync(s), ct)).Where(h => h.Enabled).ToList();
        _any = hooks.Count > 0;
        if (!_any) return cleaned;
        var (lanes, cursors) = await _node.Database.ReadAsync(async s => (await LaneReader.LanesAsync(s),
            (await s.QueryAsync<CursorRow>("SELECT webhook_id, lane, position FROM webhook_cursors")).ToDictionary(c => (c.WebhookId, c.Lane), c => c.Position)), ct);
        var worked = cleaned;
        foreach (var hook in hooks)
        {
            foreach (var lane in lanes.Where(l => Follows(l.Name)))
            {
                var position = cursors.GetValueOrDefault((hook.Id, lane.Name)); // a lane that is newer than the endpoint is read from its beginning
                if (position < lane.Head) worked |= await FeedAsync(hook, new Lane(lane.Name), position, ct);
            }
        }
        return worked;
    }

    private async Task<bool> FeedAsync(WebhookRow hook, Lane lane, long position, CancellationToken ct)
    {
        // The oldest of an archive are skipped by reading: positions only ever rise.
        var events = await _node.Lanes.ReadAsync(lane, position, BatchSize, ct, ask: true);
        if (events.Count == 0 || await _node.Database.ReadAsync(async s => await Webhooks.PendingAsync(s, hook.Id), ct) >= Webhooks.MostPending) return false;
        EventRecord[] wanted = [.. events.Where(e => hook.Wants(e.Type))];
        var outcome = await _node.Lanes.ExecuteAsConsumerAsync<bool>(Lane.Hub, Caller.System, async tx =>
        {
            // Compare and set: another process, or another run of this one, may have been here.
            var moved = await tx.ChangeAsync<long?>("""
                INSERT INTO webhook_cursors (webhook_id, lane, position) SELECT id, @lane, @to FROM webhooks WHERE id = @id AND enabled = @yes
                ON CONFLICT (webhook_id, lane) DO UPDATE SET position = excluded.position WHERE webhook_cursors.position = @position RETURNING position
                """, new { id = hook.Id, lane = lane.Name, to = events[^1].Position, position, yes = true });
            if (moved is null || wanted.Length == 0) return moved is not null;
            var next = await tx.ChangeAsync<long>("UPDATE webhooks SET next_seq = next_seq + @count WHERE id = @id RETURNING next_seq", new { id = hook.Id, count = wanted.Length });
            for (var i = 0; i < wanted.Length; i++) await InsertAsync(tx, hook.Id, next - wanted.Length + i, wanted[i]);
            return true;
        });
        if (outcome.Outcome.Refusal is { } no) throw new ConsumerStalledException(no.Detail);
        return outcome.Outcome.Value;
    }

    private static ValueTask InsertAsync(LaneTransaction tx, Guid hook, long seq, EventRecord e) =>
        InsertAsync(tx, hook, seq, e.Id, e.Lane.Name, e.Position, e.Type, e.Subject);

    public static ValueTask InsertAsync(LaneTransaction tx, Guid hook, long seq, Guid eventId, string lane, long position, string type, string subject) => tx.WriteAsync("""
        INSERT INTO webhook_deliveries (webhook_id, seq, event_id, lane, position, type, subject, status, attempts, created_at, next_at)
        VALUES (@hook, @seq, @eventId, @lane, @position, @type, @subject, 1, 0, @now, @now)
        """, new { hook, seq, eventId, lane, position, type, subject, now = tx.Now });

    /// <summary>The delivery log is kept for a month.</summary>
    private async Task<bool> CleanAsync(CancellationToken ct)
    {
        if (!_cleaned.IsOver) return false;
        var before = _node.Time.GetUtcNow() - Kept;
        var old = await _node.Database.ReadAsync(async s => await s.FindAsync<DateTimeOffset?>(
            "SELECT last_at FROM webhook_deliveries WHERE status > 1 AND last_at < @before LIMIT 1", new { before }), ct);
        if (old is null)
        {
            _cleaned.For(BetweenCleaning);
            return false;
        }
        var outcome = await _node.Lanes.ExecuteAsConsumerAsync<int>(Lane.Hub, Caller.System, async tx => await tx.ExecuteAsync($"""
            DELETE FROM webhook_deliveries WHERE (webhook_id, seq) IN
                (SELECT webhook_id, seq FROM webhook_deliveries WHERE status > 1 AND last_at < @before LIMIT {CleanStep})
            """, new { before }));
        return outcome.Outcome.IsOk;
    }

    public ValueTask DisposeAsync()
    {
        _node.Lanes.Committed -= OnCommitted;
        return ValueTask.CompletedTask;
    }
}
