using System.Text.Json;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Store;

namespace Stowline.Hub.Channels;

/// <summary>What is at the other end. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<ChannelKind>))]
public enum ChannelKind
{
    /// <summary>The marketplace Allegro, by its public API.</summary>
    Allegro = 1,
    /// <summary>Any shop that sends its orders as JSON, by a mapping.</summary>
    Shop = 2,
}

/// <summary>
/// The share of what may be promised that an account offers: <c>(available − buffer) × share_percent / 100</c>, rounded down, at least 0 and at most <c>max</c>.
/// </summary>
/// <param name="Buffer">Units kept back per SKU, 0 when not given: what may be sold elsewhere before the marketplace knows.</param>
/// <param name="SharePercent">0–100, 100 when not given.</param>
/// <param name="Sites">Only the stock of these sites; of all when not given.</param>
public sealed record ChannelPool(int? Buffer = null, int? SharePercent = null, long? Max = null, IReadOnlyList<string>? Sites = null)
{
    public long Of(long available)
    {
        var share = Math.Max(0, available - (Buffer ?? 0)) * (SharePercent ?? 100) / 100;
        return Max is { } max ? Math.Min(share, max) : share;
    }
}

/// <summary>An account's settings as they are kept.</summary>
public sealed record ChannelSettings
{
    /// <summary>Where Allegro's API is: <c>https://api.allegro.pl</c> when not given.</summary>
    public string? ApiUrl { get; init; }
    /// <summary>Where Allegro's tokens are renewed: <c>https://allegro.pl/auth/oauth/token</c> when not given.</summary>
    public string? AuthUrl { get; init; }
    /// <summary>Calls per minute, 9,000 when not given (Allegro's limit for a client id).</summary>
    public int? RequestsPerMinute { get; init; }
    /// <summary>Orders are taken from there; true when not given.</summary>
    public bool? Orders { get; init; }
    /// <summary>Stock is sent there; true when not given.</summary>
    public bool? Stock { get; init; }
    /// <summary>What becomes of its orders is told there: status and parcels. true when not given.</summary>
    public bool? Reports { get; init; }
    /// <summary>Our carriers' codes → what they are called there: at Allegro an id, <c>OTHER</c> with our code as the name for all others; at a shop what stands for <c>{carrier}</c>.</summary>
    public IReadOnlyDictionary<string, string>? Carriers { get; init; }
    public ChannelPool? Pool { get; init; }
    /// <summary>How a shop's JSON is read and its stock set; for <c>shop</c> only.</summary>
    public ShopMapping? Mapping { get; init; }

    [JsonIgnore] public bool TakesOrders => Orders ?? true;
    [JsonIgnore] public bool SendsStock => Stock ?? true;
    [JsonIgnore] public bool TellsOrders => (Reports ?? true) && Mapping is null or { Status: not null } or { Shipment: not null };
    [JsonIgnore] public ChannelPool Share => Pool ?? new ChannelPool();
}

/// <summary>Credentials of an account. Written, never read back by the API; sealed where they are kept.</summary>
public sealed record ChannelSecrets
{
    /// <summary>Allegro: of the registered application.</summary>
    public string? ClientId { get; init; }
    public string? ClientSecret { get; init; }
    /// <summary>Allegro: from the authorization of the seller; it is replaced with each renewal.</summary>
    public string? RefreshToken { get; init; }
    /// <summary>Shop: the value of the header that stock calls are authorized with.</summary>
    public string? Token { get; init; }
    /// <summary>Shop: what it signs its webhooks with.</summary>
    public string? SigningSecret { get; init; }

    /// <summary>What is given replaces what is there.</summary>
    public ChannelSecrets With(ChannelSecrets given) => new()
    {
        ClientId = given.ClientId ?? ClientId, ClientSecret = given.ClientSecret ?? ClientSecret, RefreshToken = given.RefreshToken ?? RefreshToken,
        Token = given.Token ?? Token, SigningSecret = given.SigningSecret ?? SigningSecret,
    };

    /// <summary>Never the values, whoever prints it.</summary>
    public override string ToString() => nameof(ChannelSecrets);
}

/// <summary>How an account stands.</summary>
/// <param name="Secrets">Which secrets are there, by name.</param>
/// <param name="FailingSince">Since when no call has come through; null while calls do.</param>
/// <param name="NextTryAt">While calls fail: when the next one is tried.</param>
/// <param name="TokenUntil">When the marketplace's token ends; it is renewed five minutes before. Null where there is none yet, or none is needed.</param>
/// <param name="LastOrderEvent">The marketplace's own id of the last order event that was read; null for shops, which send their orders.</param>
/// <param name="LastOrderEventAt">When it was read.</param>
/// <param name="ReconciledTaskId">The last comparison that was asked for (<c>POST /stock-sync/reconcile</c>) and is done.</param>
/// <param name="Offers">Offers that are kept in step, and of these those whose confirmed quantity is not the wanted one.</param>
/// <param name="WaitingOrders">Orders there that could not be taken yet.</param>
/// <param name="PendingReports">What it is still to be told of its orders (<c>/channels/{account}/reports</c>).</param>
public sealed record ChannelView(
    string Code, ChannelKind Kind, string Name, bool Enabled, ChannelSettings Settings, IReadOnlyList<string> Secrets, DateTimeOffset? FailingSince, string? LastError,
    DateTimeOffset? LastSuccessAt, DateTimeOffset? NextTryAt, DateTimeOffset? TokenUntil, string? LastOrderEvent, DateTimeOffset? LastOrderEventAt, DateTimeOffset? ReconciledAt,
    long Offers, long OffersDiffering, long PendingOperations, long FailedOperations, long WaitingOrders, long PendingReports, long FailedReports, DateTimeOffset SavedAt, Guid? ReconciledTaskId);

/// <summary>A row of <c>channel_accounts</c>.</summary>
internal sealed record AccountRow
{
    public const string Columns = """
        code, kind, name, enabled, settings, secrets, tokens, tokens_version, event_cursor, event_read_at, orders_since, forms_until, failures, failing_since, probe_at, last_error, last_success_at,
        reconcile_at, reconcile_fixes, reconciled_at, reconciled_task, saved_at
        """;

    public string Code { get; init; } = "";
    public ChannelKind Kind { get; init; }
    public string Name { get; init; } = "";
    public bool Enabled { get; init; }
    public string Settings { get; init; } = "{}";
    public byte[]? Secrets { get; init; }
    public byte[]? Tokens { get; init; }
    public long TokensVersion { get; init; }
    public string? EventCursor { get; init; }
    public DateTimeOffset? EventReadAt { get; init; }
    public DateTimeOffset OrdersSince { get; init; }
    public DateTimeOffset? FormsUntil { get; init; }
    public int Failures { get; init; }
    public DateTimeOffset? FailingSince { get; init; }
    public DateTimeOffset? ProbeAt { get; init; }
    public string? LastError { get; init; }
    public DateTimeOffset? LastSuccessAt { get; init; }
    public DateTimeOffset ReconcileAt { get; init; }
    public bool ReconcileFixes { get; init; }
    public DateTimeOffset? ReconciledAt { get; init; }
    public Guid? ReconciledTask { get; init; }
    public DateTimeOffset SavedAt { get; init; }

    private ChannelSettings? _rules;
    public ChannelSettings Rules => _rules ??= JsonSerializer.Deserialize<ChannelSettings>(Settings, HttpJson.Options) ?? new ChannelSettings();

    /// <summary>The secrets in plain; null when they were sealed with another key.</summary>
    public ChannelSecrets? Opened(Kernel.SecretBox? box) => Secrets is null ? new ChannelSecrets()
        : box?.Open(Purpose, Secrets) is { } plain ? JsonSerializer.Deserialize<ChannelSecrets>(plain, HttpJson.Options) : null;

    /// <summary>Bound to the account: nobody gets at them by moving them to another one, with another address.</summary>
    public string Purpose => PurposeOf(Code);
    public static string PurposeOf(string code) => "channel/" + code;

    public static ValueTask<AccountRow?> FindAsync(SqlSession session, string code) => session.FindAsync<AccountRow>($"SELECT {Columns} FROM channel_accounts WHERE code = @code", new { code });
    public static ValueTask<IReadOnlyList<AccountRow>> AllAsync(SqlSession session) => session.QueryAsync<AccountRow>($"SELECT {Columns} FROM channel_accounts ORDER BY code");
}
