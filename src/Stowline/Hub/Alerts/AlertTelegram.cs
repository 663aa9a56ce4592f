using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Alerts;

/// <summary>Where alerts are sent in Telegram.</summary>
/// <param name="Server">The Bot API, <c>https://api.telegram.org</c>.</param>
public sealed record TelegramSettings(string Token, string Chat, string Server);

/// <summary>
/// Sends each alert to a Telegram chat, once when it is raised and once when it is over, at least once and for as long as it takes. What is older than a day
/// when Telegram is first reached is not told any more; of what was told, the end is, however long it lasted.
/// </summary>
public sealed class AlertTelegram(Node node, TelegramSettings settings) : Pump, IAsyncDisposable
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);
    private readonly HttpClient _client = new() { Timeout = System.Threading.Timeout.InfiniteTimeSpan };
    private readonly Rest _rest = new(node.Time);
    private int _failures;

    private sealed record Row
    {
        public Guid Id { get; init; }
        public AlertSeverity Severity { get; init; }
        public string Summary { get; init; } = "";
        public string Origin { get; init; } = "";
        public DateTimeOffset RaisedAt { get; init; }
        public DateTimeOffset? ResolvedAt { get; init; }
    }

    public override string Name => "telegram";

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (!_rest.IsOver) return false;
        var now = node.Time.GetUtcNow();
        var waits = await node.Database.ReadAsync(async s => await s.FindAsync<Guid?>("""
            SELECT id FROM alerts WHERE told < 2 AND (told = 0 AND raised_at > @since OR told = 1 AND resolved_at > @since) AND (told_until IS NULL OR told_until < @now) ORDER BY id LIMIT 1
            """, new { since = now.AddDays(-1), now }), ct);
        if (waits is not { } id || await ClaimAsync(id) is not { } alert) return false;
        var wait = await SendAsync(Text(alert), ct);
        if (wait is { } pause)
        {
            _rest.For(pause);
            await SetAsync(id, "told_until = NULL");
            return false;
        }
        (_failures, LastError, FailingSince) = (0, null, null);
        await SetAsync(id, alert.ResolvedAt is null ? "told = 1, told_until = NULL" : "told = 2, told_until = NULL");
        return true;
    }

    private async Task<Row?> ClaimAsync(Guid id)
    {
        var outcome = await node.Lanes.ExecuteAsConsumerAsync<Row?>(Lane.Hub, Caller.System, async tx => await tx.ChangeAsync<Row>("""
            UPDATE alerts SET told_until = @until WHERE id = @id AND told < 2 AND (told = 0 OR resolved_at IS NOT NULL) AND (told_until IS NULL OR told_until < @now)
            RETURNING id, severity, summary, origin, raised_at, resolved_at
            """, new { id, until = tx.Now + Lease, now = tx.Now }));
        return outcome.Outcome.IsOk ? outcome.Outcome.Value : null;
    }

    private Task SetAsync(Guid id, string set) => node.Lanes.ExecuteAsConsumerAsync<int>(Lane.Hub, Caller.System, async tx => await tx.ExecuteAsync($"UPDATE alerts SET {set} WHERE id = @id", new { id }));

    private static string Text(Row alert)
    {
        var head = alert.ResolvedAt is not null ? "✅ Resolved" : alert.Severity switch { AlertSeverity.Critical => "🚨 Critical", AlertSeverity.Warning => "⚠️ Warning" };
        var text = new StringBuilder(head).Append(": ").Append(alert.Summary);
        if (alert.Origin.Length > 0) text.Append("\nNode: ").Append(alert.Origin);
        text.Append(System.Globalization.CultureInfo.InvariantCulture, $"\nSince: {alert.RaisedAt:yyyy-MM-dd HH:mm:ss} UTC");
        if (alert.ResolvedAt is { } over) text.Append(System.Globalization.CultureInfo.InvariantCulture, $"\nOver: {over:yyyy-MM-dd HH:mm:ss} UTC");
        return text.Length > 4_000 ? text.ToString(0, 4_000) : text.ToString(); // Telegram takes 4096 characters
    }

    /// <summary>Null when it was taken, else how long to wait. The token is in the URL, so no exception's text goes any further.</summary>
    private async Task<TimeSpan?> SendAsync(string text, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(Timeout, node.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            using var response = await _client.PostAsJsonAsync($"{settings.Server.TrimEnd('/')}/bot{settings.Token}/sendMessage",
                new { chat_id = settings.Chat, text, disable_web_page_preview = true }, both.Token);
            if (response.IsSuccessStatusCode) return null;
            return Fail($"Telegram answered with {(int)response.StatusCode}", response.StatusCode == HttpStatusCode.TooManyRequests ? await AskedAsync(response, both.Token) : null);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || e is OperationCanceledException && !ct.IsCancellationRequested)
        {
            return Fail("Telegram cannot be reached", null);
        }
    }

    private TimeSpan Fail(string why, TimeSpan? asked)
    {
        (LastError, LastErrorAt) = (why, node.Time.GetUtcNow());
        FailingSince ??= LastErrorAt;
        Errors++;
        var wait = TimeSpan.FromSeconds(Math.Min(Math.Pow(2, Math.Min(++_failures, 10)), Longest.TotalSeconds)) * (0.8 + 0.4 * node.Ids.NextDouble());
        return asked > wait ? asked.Value : wait;
    }

    /// <summary>The Bot API says in the body how long to wait.</summary>
    private static async Task<TimeSpan?> AskedAsync(HttpResponseMessage response, CancellationToken ct)
    {
        try
        {
            using var body = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(ct));
            return body.RootElement.TryGetProperty("parameters", out var p) && p.TryGetProperty("retry_after", out var s) && s.TryGetInt32(out var seconds)
                ? TimeSpan.FromSeconds(Math.Clamp(seconds, 1, 3_600)) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }
}
