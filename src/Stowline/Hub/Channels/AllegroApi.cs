using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Stowline.Http;
using Stowline.Log;

namespace Stowline.Hub.Channels;

/// <summary>
/// Allegro's REST API for one account: the media type, the bearer token, and its renewal. A refresh token is good for one renewal, so what comes back is stored before it is used;
/// of two processes that renew at once the one that stores first wins and the other takes over what it finds. What could not be stored is kept and stored before the next call: nobody else has it.
/// </summary>
internal sealed class AllegroApi(Node node, ChannelCalls calls, AccountRow row, ChannelSecrets secrets)
{
    private const string Media = "application/vnd.allegro.public.v1+json";

    /// <summary>Renewed so long before the end, that no call begins with a token which ends on the way.</summary>
    private static readonly TimeSpan Early = TimeSpan.FromMinutes(5);

    private readonly SemaphoreSlim _renewing = new(1, 1);
    private readonly ChannelSettings _rules = row.Rules;
    private AccountRow _row = row;
    private Tokens? _tokens;
    private bool _unsaved;

    private sealed record Tokens(string Access, string? Refresh, DateTimeOffset Until)
    {
        public override string ToString() => nameof(Tokens);
    }

    public string Account { get; } = row.Code;
    private string Url => (_rules.ApiUrl ?? "https://api.allegro.pl").TrimEnd('/');
    private string AuthUrl => _rules.AuthUrl ?? "https://allegro.pl/auth/oauth/token";

    public Task<CallAnswer> GetAsync(string path, bool forStock, CancellationToken ct) => SendAsync(HttpMethod.Get, path, null, forStock, ct);

    public async Task<CallAnswer> SendAsync(HttpMethod method, string path, JsonNode? body, bool forStock, CancellationToken ct)
    {
        var (tokens, trouble) = await TokensAsync(null, ct);
        if (tokens is null) return trouble!;
        var answer = await WithAsync(tokens);
        if (answer.Code != 401) return answer;
        // It may have been revoked, or renewed by somebody else: once with a new one.
        (var renewed, trouble) = await TokensAsync(tokens.Access, ct);
        return renewed is null ? trouble! : await WithAsync(renewed);

        Task<CallAnswer> WithAsync(Tokens t) => calls.SendAsync(Account, forStock, () =>
        {
            var request = new HttpRequestMessage(method, Url + path);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", t.Access);
            request.Headers.Accept.ParseAdd(Media);
            if (body is not null)
            {
                request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, HttpJson.Options));
                request.Content.Headers.ContentType = new MediaTypeHeaderValue(Media);
            }
            return request;
        }, ct);
    }

    /// <param name="refused">An access token that was just refused.</param>
    private async Task<(Tokens? Tokens, CallAnswer? Trouble)> TokensAsync(string? refused, CancellationToken ct)
    {
        await _renewing.WaitAsync(ct);
        try
        {
            if (_unsaved) await StoreAsync(ct);
            _tokens ??= Read(_row);
            if (IsGood(_tokens, refused)) return (_tokens, null);
            if (_unsaved) return await RenewAsync(ct); // what the account's row holds is used up
            if (await node.Database.ReadAsync(async s => await AccountRow.FindAsync(s, Account), ct) is not { } now) return (null, Denied("the account is gone"));
            (_row, _tokens) = (now, Read(now));
            return IsGood(_tokens, refused) ? (_tokens, null) : await RenewAsync(ct);
        }
        finally
        {
            _renewing.Release();
        }
    }

    private bool IsGood(Tokens? tokens, string? refused) => tokens is not null && tokens.Access != refused && tokens.Until - Early > node.Time.GetUtcNow();

    private Tokens? Read(AccountRow from) => Opened(from, node.Secrets);

    private static Tokens? Opened(AccountRow from, Kernel.SecretBox? secrets) =>
        from.Tokens is { } box && secrets?.Open(PurposeOf(from.Code), box) is { } plain ? JsonSerializer.Deserialize<Tokens>(plain) : null;

    /// <summary>When an account's token ends; null where there is none, or it was sealed with another key.</summary>
    internal static DateTimeOffset? TokenUntil(AccountRow row, Kernel.SecretBox? secrets) => Opened(row, secrets)?.Until;

    private string Purpose => PurposeOf(Account);
    private static string PurposeOf(string account) => AccountRow.PurposeOf(account) + "/tokens";

    private static CallAnswer Denied(string why) => new(CallResult.Denied, null, null, why, null, default);

    private async Task<(Tokens?, CallAnswer?)> RenewAsync(CancellationToken ct)
    {
        if ((_tokens?.Refresh ?? secrets.RefreshToken) is not { } refresh || secrets.ClientId is null || secrets.ClientSecret is null)
            return (null, Denied("client_id, client_secret and refresh_token are needed"));
        var answer = await calls.SendAsync(Account, forStock: false, () =>
        {
            var request = new HttpRequestMessage(HttpMethod.Post, AuthUrl)
            {
                Content = new FormUrlEncodedContent([new("grant_type", "refresh_token"), new("refresh_token", refresh)]),
            };
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes($"{secrets.ClientId}:{secrets.ClientSecret}")));
            return request;
        }, CancellationToken.None); // a stop does not call it off: what it brings could not be asked for again
        // The answer to a renewal may hold tokens: nothing of it goes into an error.
        if (!answer.Ok) return (null, answer with { Result = answer.Result is CallResult.Rejected or CallResult.Missing ? CallResult.Denied : answer.Result, Error = $"the tokens could not be renewed ({answer.Code?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "no answer"})", Body = null });
        if (answer.Body is not JsonObject body || body["access_token"]?.GetValue<string>() is not { Length: > 0 } access) return (null, Denied("the renewal of the tokens was answered without one"));
        var seconds = body["expires_in"] is JsonValue v && v.TryGetValue<int>(out var s) ? s : 43_199;
        _tokens = new Tokens(access, body["refresh_token"]?.GetValue<string>() ?? refresh, node.Time.GetUtcNow().AddSeconds(seconds));
        _unsaved = true;
        await StoreAsync(ct);
        return _tokens is { } stored ? (stored, null) : (null, Denied("the account's credentials were changed meanwhile"));
    }

    /// <summary>Stores what could not be stored. False while it still cannot.</summary>
    public async Task<bool> SettleAsync(CancellationToken ct)
    {
        await _renewing.WaitAsync(ct);
        try
        {
            if (_unsaved) await StoreAsync(ct);
            return !_unsaved;
        }
        finally
        {
            _renewing.Release();
        }
    }

    /// <summary>Stores the tokens that were just made. Where that is refused (the database is away, this node stops) they are kept, since the refresh token before them is used up.</summary>
    private async Task StoreAsync(CancellationToken ct)
    {
        var box = node.Secrets!.Seal(Purpose, JsonSerializer.SerializeToUtf8Bytes(_tokens), node.Ids);
        var (stored, _) = await node.Lanes.ExecuteAsConsumerAsync<bool>(Lane.Hub, Caller.System, async tx => await tx.ChangeAsync<long?>(
            "UPDATE channel_accounts SET tokens = @box, tokens_version = tokens_version + 1 WHERE code = @code AND tokens_version = @version RETURNING tokens_version",
            new { box, code = Account, version = _row.TokensVersion }) is not null);
        if (!stored.IsOk) return;
        if (stored.Value) _row = _row with { Tokens = box, TokensVersion = _row.TokensVersion + 1 };
        // Somebody else was first, or new credentials were given: theirs count.
        else if (await node.Database.ReadAsync(async s => await AccountRow.FindAsync(s, Account), ct) is { } now) (_row, _tokens) = (now, Read(now));
        _unsaved = false;
    }
}
