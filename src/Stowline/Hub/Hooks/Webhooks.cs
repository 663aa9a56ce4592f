using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Store;

namespace Stowline.Hub.Hooks;

/// <summary>What an endpoint is sent. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<WebhookProfile>))]
public enum WebhookProfile
{
    /// <summary>Events as Standard Webhooks describes them.</summary>
    Standard = 1,
    /// <summary>The status of orders to a listings service, at its <c>POST /api/v1/orders/{id}/status</c> (F8).</summary>
    OrderStatus = 2,
}

/// <summary>Where a delivery stands. Stored: append, never renumber; those above <see cref="Pending"/> are final.</summary>
[JsonConverter(typeof(SnakeCaseEnum<DeliveryStatus>))]
public enum DeliveryStatus { Pending = 1, Delivered = 2, Failed = 3, Skipped = 4 }

/// <summary>An endpoint as the API shows it, without its secrets.</summary>
/// <param name="HasAuthorization">The header <c>Authorization</c> goes along; what it says is not shown.</param>
/// <param name="Pending">Deliveries that wait, at most 10,000: what is beyond is still in the lane.</param>
/// <param name="Failed">Deliveries that were given up, as far as the log goes back and at most 10,000.</param>
/// <param name="FailingSince">Since when no delivery succeeded, while there were some.</param>
/// <param name="PausedUntil">Until when it is not asked, after it took nothing several times.</param>
public sealed record WebhookView(
    Guid Id, string Url, string? Description, WebhookProfile Profile, IReadOnlyList<string> Types, string? Channel, bool Personal, bool HasAuthorization, bool Enabled,
    string? DisabledReason, int Failures, DateTimeOffset? FailingSince, DateTimeOffset? PausedUntil, DateTimeOffset? LastSuccessAt, DateTimeOffset? OldSecretUntil, long Pending,
    long Failed, DateTimeOffset CreatedAt, string CreatedBy);

/// <summary>An endpoint with its secret, which is shown this once.</summary>
public sealed record WebhookSecret(Guid Id, string Url, string Secret, DateTimeOffset? OldSecretUntil);

internal sealed record WebhookRow
{
    public const string Columns = """
        id, url, description, profile, types, channel, personal, credentials, secret, old_secret, old_until, enabled, disabled_reason, failures, failing_since,
        paused_until, last_success_at, created_at, created_by
        """;

    public Guid Id { get; init; }
    public string Url { get; init; } = "";
    public string? Description { get; init; }
    public WebhookProfile Profile { get; init; }
    public string Types { get; init; } = "";
    public string? Channel { get; init; }
    public bool Personal { get; init; }
    public string? Credentials { get; init; }
    public string Secret { get; init; } = "";
    public string? OldSecret { get; init; }
    public DateTimeOffset? OldUntil { get; init; }
    public bool Enabled { get; init; }
    public string? DisabledReason { get; init; }
    public int Failures { get; init; }
    public DateTimeOffset? FailingSince { get; init; }
    public DateTimeOffset? PausedUntil { get; init; }
    public DateTimeOffset? LastSuccessAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public string CreatedBy { get; init; } = "";

    public IReadOnlyList<string> Patterns => Types.Split(',');

    /// <summary>An event matches by its name, by the beginning of it (<c>order.*</c>), or <c>*</c>.</summary>
    public bool Wants(string type) => Patterns.Any(p => p == type || p.EndsWith('*') && type.StartsWith(p.AsSpan(0, p.Length - 1), StringComparison.Ordinal));

    public WebhookView View(DeliveryCounts counts) => new(Id, Url, Description, Profile, Patterns, Channel, Personal, Credentials is not null, Enabled, DisabledReason, Failures,
        FailingSince, PausedUntil, LastSuccessAt, OldSecret is null ? null : OldUntil, counts.Pending, counts.Failed, CreatedAt, CreatedBy);
}

/// <summary>How many deliveries of an endpoint wait and were given up, each counted to 10,000 at most.</summary>
internal readonly record struct DeliveryCounts(long Pending, long Failed);

/// <summary>Reads of endpoints.</summary>
internal static class Webhooks
{
    /// <summary>More than this is not taken out of the lanes ahead of an endpoint that does not keep up.</summary>
    public const int MostPending = 10_000;

    public static ValueTask<WebhookRow?> FindAsync(SqlSession session, Guid id) =>
        session.FindAsync<WebhookRow>($"SELECT {WebhookRow.Columns} FROM webhooks WHERE id = @id", new { id });

    public static ValueTask<IReadOnlyList<WebhookRow>> AllAsync(SqlSession session) => session.QueryAsync<WebhookRow>($"SELECT {WebhookRow.Columns} FROM webhooks ORDER BY id");

    public static ValueTask<long> PendingAsync(SqlSession session, Guid id) => CountAsync(session, id, DeliveryStatus.Pending);

    public static async ValueTask<DeliveryCounts> CountsAsync(SqlSession session, Guid id) =>
        new(await CountAsync(session, id, DeliveryStatus.Pending), await CountAsync(session, id, DeliveryStatus.Failed));

    private static ValueTask<long> CountAsync(SqlSession session, Guid id, DeliveryStatus status) => session.FindAsync<long>(
        "SELECT COUNT(*) FROM (SELECT seq FROM webhook_deliveries WHERE webhook_id = @id AND status = @status LIMIT @most) AS counted", new { id, status, most = MostPending });

    /// <summary>Endpoints in trouble: switched off by themselves, or failing since before a time.</summary>
    public static async Task<IReadOnlyList<WebhookView>> TroubledAsync(SqlSession session, DateTimeOffset before)
    {
        var rows = await session.QueryAsync<WebhookRow>($"""
            SELECT {WebhookRow.Columns} FROM webhooks WHERE (enabled = @yes AND failing_since < @before) OR (enabled = @no AND failing_since IS NOT NULL) ORDER BY id
            """, new { yes = true, no = false, before });
        return [.. rows.Select(r => r.View(default))];
    }
}
