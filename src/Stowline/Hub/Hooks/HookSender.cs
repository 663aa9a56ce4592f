using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Hooks;

/// <summary>
/// Sends what endpoints are due. Each endpoint is served by a round of its own that nobody waits for, so a slow one delays nobody. Within a round
/// different subjects travel side by side and each subject one after another; the round holds the endpoint's lease.
/// </summary>
internal sealed class HookSender(Node node, HookTarget target) : Pump, IAsyncDisposable
{
    private const int SideBySide = 16;
    private const int MostRounds = 32;
    private const int MostBody = 1024 * 1024;
    private const int MostAnswer = 1024;
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(20);

    /// <summary>How long an endpoint may take to answer.</summary>
    internal static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);

    private readonly Guid _me = node.Ids.Next();
    private readonly HttpClient _client = target.Client();
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<Guid, Task> _rounds = [];
    private readonly Lock _gate = new();

    private sealed record Due
    {
        public long Seq { get; init; }
        public Guid EventId { get; init; }
        public string Lane { get; init; } = "";
        public long Position { get; init; }
        public string Type { get; init; } = "";
        public int Attempts { get; init; }
    }

    private sealed record Claim(WebhookRow Hook, IReadOnlyList<Due> Due);

    /// <param name="Gone">The endpoint says that it wants nothing any more (410). Where each order has an address of its own, that is only about this one.</param>
    private sealed record Sent(Due Due, DeliveryStatus Status, int? Code, string? Error, string? Body, TimeSpan? RetryAfter, bool Gone = false)
    {
        /// <summary>It says nothing about this delivery: whatever was sent would have been answered so.</summary>
        public bool IsUnanswered => Code is null or 408 or 429 or >= 500;
    }

    public override string Name => "webhooks";

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var now = node.Time.GetUtcNow();
        // What stands behind an earlier one of its subject is not due, though its time has come: rounds that find nothing to send would follow each other without a pause.
        var due = await node.Database.ReadAsync(async s => await s.QueryAsync<Guid>("""
            SELECT h.id FROM webhooks h WHERE h.enabled = @yes AND (h.paused_until IS NULL OR h.paused_until <= @now) AND (h.owner IS NULL OR h.owner = @me OR h.lease_until < @now)
                AND EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = h.id AND d.status = 1 AND d.next_at <= @now AND NOT EXISTS
                    (SELECT 1 FROM webhook_deliveries e WHERE e.webhook_id = d.webhook_id AND e.status = 1 AND e.subject = d.subject AND e.seq < d.seq))
            """, new { yes = true, now, me = _me }), ct);
        var started = false;
        lock (_gate)
        {
            foreach (var ended in _rounds.Where(r => r.Value.IsCompleted).Select(r => r.Key).ToList()) _rounds.Remove(ended);
            foreach (var id in due)
            {
                if (_rounds.Count >= MostRounds || _stop.IsCancellationRequested || _rounds.ContainsKey(id)) continue;
                _rounds[id] = Task.Run(() => RoundAsync(id), CancellationToken.None);
                started = true;
            }
        }
        return started;
    }

    /// <summary>Completes when no round runs: for tests.</summary>
    internal Task WhenIdleAsync()
    {
        lock (_gate) return Task.WhenAll(_rounds.Values);
    }

    private async Task RoundAsync(Guid id)
    {
        try
        {
            var until = node.Time.GetUtcNow() + Round;
            var answered = true;
            while (answered && !_stop.IsCancellationRequested && node.Time.GetUtcNow() < until && await ClaimAsync(id) is { Due.Count: > 0 } claim)
            {
                var sent = await Task.WhenAll(claim.Due.Select(d => SendAsync(claim.Hook, d)));
                answered = await SaveAsync(claim.Hook, sent);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // What was sent and not written down is sent again, which is what at least once means.
        }
        catch (Exception e) when (!_stop.IsCancellationRequested)
        {
            (LastError, LastErrorAt) = (e.Message, node.Time.GetUtcNow());
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // what could not be done because everything stops is no error
        }
        finally
        {
            Wake.Set();
        }
    }

    /// <summary>Takes or renews the lease and reads the first open delivery of each subject that is due. One at a time while nothing gets through.</summary>
    private async Task<Claim?> ClaimAsync(Guid id)
    {
        var outcome = await node.Lanes.ExecuteAsConsumerAsync<Claim>(Lane.Hub, Caller.System, async tx =>
        {
            var mine = await tx.ChangeAsync<Guid?>("""
                UPDATE webhooks SET owner = @me, lease_until = @until WHERE id = @id AND enabled = @yes AND (owner IS NULL OR owner = @me OR lease_until < @now)
                    AND (paused_until IS NULL OR paused_until <= @now) RETURNING id
                """, new { id, me = _me, until = tx.Now + Lease, now = tx.Now, yes = true });
            if (mine is null) return new Claim(new WebhookRow(), []);
            var hook = (await Webhooks.FindAsync(tx.Group.Session, id))!;
            var due = await tx.QueryAsync<Due>("""
                SELECT d.seq, d.event_id, d.lane, d.position, d.type, d.attempts FROM webhook_deliveries d
                WHERE d.webhook_id = @id AND d.status = 1 AND d.next_at <= @now AND NOT EXISTS
                    (SELECT 1 FROM webhook_deliveries e WHERE e.webhook_id = d.webhook_id AND e.status = 1 AND e.subject = d.subject AND e.seq < d.seq)
                ORDER BY CASE WHEN d.lane = @test THEN 0 ELSE 1 END, d.seq LIMIT @limit
                """, new { id, now = tx.Now, test = HookFeed.TestLane, limit = hook.Failures > HookRetry.AwayAfter ? 1 : SideBySide });
            return new Claim(hook, due);
        });
        return outcome.Outcome.IsOk ? outcome.Outcome.Value : null;
    }

    private async Task<Sent> SendAsync(WebhookRow hook, Due due)
    {
        try
        {
            var made = due.Lane == HookFeed.TestLane ? (hook.Url.Replace("{id}", "0", StringComparison.Ordinal), HookPayload.Test(hook, node.Time.GetUtcNow()))
                : await EventAsync(due) is not { } e ? null : await HookPayload.MakeAsync(node.Database, hook, e, _stop.Token);
            if (made is not { } message) return new Sent(due, DeliveryStatus.Skipped, null, null, null, null);
            if (message.Item2.Length > MostBody) return new Sent(due, DeliveryStatus.Failed, null, $"the event is larger than {MostBody} bytes", null, null);
            return await PostAsync(hook, due, message.Item1, message.Item2);
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            return new Sent(due, DeliveryStatus.Pending, null, $"no answer within {Timeout.TotalSeconds:0} s", null, null);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new Sent(due, DeliveryStatus.Pending, null, Cut((e.InnerException as ForbiddenTargetException)?.Message ?? e.Message), null, null);
        }
    }

    /// <summary>Null when the event is not here any more: it was archived with its order.</summary>
    private async Task<EventRecord?> EventAsync(Due due)
    {
        var found = await node.Lanes.ReadAsync(new Lane(due.Lane), due.Position - 1, 1, _stop.Token, ask: true);
        return found.Count == 1 && found[0].Position == due.Position ? found[0] : null;
    }

    private async Task<Sent> PostAsync(WebhookRow hook, Due due, string url, byte[] body)
    {
        using var limit = new CancellationTokenSource(Timeout, node.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
        var now = node.Time.GetUtcNow();
        var (id, timestamp) = ("msg_" + due.EventId.ToString("N"), now.ToUnixTimeSeconds());
        string[] secrets = hook.OldSecret is { } old && hook.OldUntil > now ? [hook.Secret, old] : [hook.Secret];
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TryAddWithoutValidation("User-Agent", "Stowline-Webhooks/1.0");
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation("webhook-signature", HookSignature.Sign(id, timestamp, body, secrets));
        // The same id on each attempt: a receiver with idempotency keys, as the listings service may have, needs no other.
        request.Headers.Add("Idempotency-Key", id);
        if (hook.Credentials is { } credentials) request.Headers.TryAddWithoutValidation("Authorization", credentials);
        using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
        var (code, answer) = ((int)response.StatusCode, await AnswerAsync(response, both.Token));
        if (response.IsSuccessStatusCode) return new Sent(due, DeliveryStatus.Delivered, code, null, answer, null);
        var error = code is >= 300 and < 400 ? "answered with a redirect, which is not followed" : $"answered with {code}";
        var after = response.Headers.RetryAfter is { } asked ? asked.Delta ?? asked.Date - now : null;
        return new Sent(due, DeliveryStatus.Pending, code, error, answer, after, Gone: code == 410 && !hook.Url.Contains("{id}", StringComparison.Ordinal));
    }

    /// <summary>The beginning of the answer; the rest is not read.</summary>
    private static async Task<string?> AnswerAsync(HttpResponseMessage response, CancellationToken ct)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(ct);
        var buffer = new byte[MostAnswer];
        var read = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, ct);
        return read == 0 ? null : Cut(Encoding.UTF8.GetString(buffer, 0, read));
    }

    private static string Cut(string text) => new([.. text.Where(c => !char.IsControl(c) && !char.IsSurrogate(c)).Take(MostAnswer)]);

    /// <summary>Writes down what came of a set of attempts; false when nothing got through, or the endpoint is not ours any more.</summary>
    private async Task<bool> SaveAsync(WebhookRow hook, IReadOnlyList<Sent> sent)
    {
        var outcome = await node.Lanes.ExecuteAsConsumerAsync<bool>(Lane.Hub, Caller.System, async tx =>
        {
            if (await tx.FindAsync<Guid?>("SELECT owner FROM webhooks WHERE id = @id AND enabled = @yes", new { id = hook.Id, yes = true }) != _me) return false;
            foreach (var one in sent) await WriteAsync(tx, hook, one);
            var tried = sent.Where(s => s.Status != DeliveryStatus.Skipped).ToList();
            if (tried.Count == 0) return true;
            if (tried.Any(s => s.Status == DeliveryStatus.Delivered))
            {
                if (hook.Failures > HookRetry.AwayAfter) await BackAsync(tx, hook.Id);
                await tx.WriteAsync("UPDATE webhooks SET failures = 0, failing_since = NULL, paused_until = NULL, last_success_at = @now WHERE id = @id", new { id = hook.Id, now = tx.Now });
                return true;
            }
            if (tried.All(s => s.Status == DeliveryStatus.Failed && s.Code is null)) return true; // ours to blame
            await FailAsync(tx, hook, tried);
            return false;
        });
        return outcome.Outcome is { IsOk: true, Value: true };
    }

    private async Task FailAsync(LaneTransaction tx, WebhookRow hook, List<Sent> tried)
    {
        // Each failure pauses it for minutes at most: that end tells when it was last asked.
        var since = hook.FailingSince is { } known && !(tx.Now - hook.PausedUntil > HookRetry.Unasked) ? known : tx.Now;
        await tx.WriteAsync("UPDATE webhooks SET failures = failures + 1, failing_since = @since, paused_until = @until WHERE id = @id",
            new { id = hook.Id, since, until = tx.Now + HookRetry.Pause(hook.Failures, node.Ids.NextDouble()) });
        var reason = tried.Any(s => s.Gone) ? "the endpoint answered 410 Gone"
            : tx.Now - since >= HookRetry.GiveUpAfter ? $"nothing was delivered for {HookRetry.GiveUpAfter.TotalDays:0} days: {tried[0].Error}" : null;
        if (reason is null) return;
        await tx.WriteAsync("UPDATE webhooks SET enabled = @no, disabled_reason = @reason WHERE id = @id", new { id = hook.Id, no = false, reason });
        SaveWebhook.Tell(tx, hook.Id, hook.Url, "disabled", reason);
    }

    /// <summary>What was tried while it was away does not wait for its next day.</summary>
    private static ValueTask BackAsync(LaneTransaction tx, Guid id) => tx.WriteAsync("""
        UPDATE webhook_deliveries SET next_at = @now WHERE webhook_id = @id AND status = 1 AND next_at > @now AND (last_status IS NULL OR last_status = 408 OR last_status >= 500)
        """, new { id, now = tx.Now });

    private ValueTask WriteAsync(LaneTransaction tx, WebhookRow hook, Sent one)
    {
        var attempts = one.Due.Attempts + (one.Status == DeliveryStatus.Skipped ? 0 : 1);
        // An endpoint that is away is switched off in the end, and goes on where it stood: nothing is given up for its sake.
        var over = attempts >= HookRetry.MostAttempts && !(one.IsUnanswered && hook.Failures > HookRetry.AwayAfter);
        var status = one.Status == DeliveryStatus.Pending && over ? DeliveryStatus.Failed : one.Status;
        return tx.WriteAsync("""
            UPDATE webhook_deliveries SET status = @status, attempts = @attempts, next_at = @next, last_at = @now, last_status = @code, last_error = @error, last_body = @body
            WHERE webhook_id = @id AND seq = @seq
            """, new
            {
                id = hook.Id, seq = one.Due.Seq, status, attempts, next = tx.Now + HookRetry.After(Math.Max(1, attempts), node.Ids.NextDouble(), one.RetryAfter), now = tx.Now,
                code = one.Code, error = one.Error, body = one.Body,
            });
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await WhenIdleAsync();
        _client.Dispose();
        _stop.Dispose();
    }
}
