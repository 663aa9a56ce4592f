using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Hooks;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Channels;

/// <summary>An account as it is to be. Settings that are not given have their defaults; secrets that are not given stay as they are.</summary>
public sealed record ChannelBody
{
    /// <summary>Cannot be changed later.</summary>
    public ChannelKind? Kind { get; init; }
    public string? Name { get; init; }
    /// <summary>true when not given. Switched off, nothing goes there or comes from there; what waits waits.</summary>
    public bool? Enabled { get; init; }
    public ChannelSettings? Settings { get; init; }
    public ChannelSecrets? Secrets { get; init; }
}

/// <summary>
/// <c>/channels</c>: accounts at marketplaces (S7). The code is the channel of the account's orders. Refusals: <c>channel_not_found</c>, <c>channel_kind_fixed</c>,
/// <c>too_many_channels</c>, <c>no_secrets_key</c>.
/// </summary>
public static class SaveChannel
{
    private const int MostChannels = 100;

    internal static void Map(IEndpointRouteBuilder api, Node node, HookTarget target)
    {
        api.MapPut("/channels/{account}", (HttpContext http, string account) => Commands.RunAsync<ChannelBody, ChannelView>(http, node.Lanes, Lane.Hub, (body, tx) => DecideAsync(account, body, target, node, tx)))
            .WithTags("Channels").WithSummary("Save an account at a marketplace or shop").Takes<ChannelBody>().Produces<ChannelView>();
        api.Get("/channels", async http =>
        {
            var items = await node.Database.ReadAsync(async s =>
            {
                var views = new List<ChannelView>();
                foreach (var row in await AccountRow.AllAsync(s)) views.Add(await ViewAsync(s, row, node.Secrets));
                return views;
            }, http.RequestAborted);
            await Answers.WriteAsync(http, Pages.Of(http, items, channel => channel.Code)); // there are at most 100
        }).WithTags("Channels").WithSummary("The accounts and how they stand, without their secrets").ShortPages<ChannelView>();
        api.MapGet("/channels/{account}", async (HttpContext http, string account) =>
        {
            var view = await node.Database.ReadAsync(s => ViewAsync(s, account, node.Secrets), http.RequestAborted);
            await Answers.WriteAsync(http, view is null ? NotFound(account) : (Outcome<ChannelView>)view);
        }).WithTags("Channels").WithSummary("One account and how it stands").Produces<ChannelView>();
    }

    internal static Refusal NotFound(string account) => Refusal.NotFound("channel_not_found", $"there is no channel {account}");

    public static async ValueTask<Outcome<ChannelView>> DecideAsync(string account, ChannelBody body, HookTarget target, Node node, LaneTransaction tx)
    {
        var problems = new Problems();
        var code = problems.Code(account, "account");
        var settings = body.Settings ?? new ChannelSettings();
        if (body.Kind is null) problems.Add("kind", "is required: " + SnakeCaseEnum<ChannelKind>.Choices);
        var name = problems.Text(body.Name, "name", 200) ?? code;
        Check(settings, body.Kind, target, problems);
        Check(body.Secrets, problems);
        if (problems.Any) return problems.ToRefusal();
        var known = await AccountRow.FindAsync(tx.Group.Session, code);
        if (known is not null && known.Kind != body.Kind) return Refusal.Conflict("channel_kind_fixed", $"channel {code} is of kind {SnakeCaseEnum<ChannelKind>.Text(known.Kind)}; give another one another code");
        if (known is null && await tx.FindAsync<long>("SELECT COUNT(*) FROM channel_accounts") >= MostChannels) return Refusal.Conflict("too_many_channels", $"there are {MostChannels} channels already");
        byte[]? box = known?.Secrets;
        if (body.Secrets is { } given)
        {
            if (node.Secrets is not { } safe) return Refusal.Conflict("no_secrets_key", "this node has no key to seal secrets with: see the setting secrets_key");
            var plain = JsonSerializer.SerializeToUtf8Bytes((known?.Opened(safe) ?? new ChannelSecrets()).With(given), HttpJson.Options);
            box = safe.Seal(AccountRow.PurposeOf(code), plain, Log.Personal.IdsOf(tx));
        }
        // Tokens that were made from other credentials are good for nothing.
        var renewed = body.Secrets is { } s && (s.RefreshToken ?? s.ClientId ?? s.ClientSecret) is not null;
        await tx.WriteAsync("""
            INSERT INTO channel_accounts (code, kind, name, enabled, settings, secrets, tokens_version, orders_since, failures, reconcile_at, reconcile_fixes, created_at, created_by, saved_at)
            VALUES (@code, @kind, @name, @enabled, @settings, @box, 0, @now, 0, @now, @no, @now, @actor, @now)
            ON CONFLICT (code) DO UPDATE SET name = excluded.name, enabled = excluded.enabled, settings = excluded.settings, secrets = excluded.secrets, saved_at = excluded.saved_at,
                failures = 0, failing_since = NULL, probe_at = NULL, last_error = NULL
            """, new
            {
                code, kind = body.Kind!.Value, name, enabled = body.Enabled ?? true, settings = JsonSerializer.Serialize(settings, HttpJson.Options), box, now = tx.Now, no = false, actor = tx.Caller.Actor,
            });
        if (renewed) await tx.WriteAsync("UPDATE channel_accounts SET tokens = NULL, tokens_version = tokens_version + 1 WHERE code = @code", new { code });
        tx.Append(Lane.Hub, new ChannelSaved(code, SnakeCaseEnum<ChannelKind>.Text(body.Kind.Value), body.Enabled ?? true), "channel/" + code);
        return await ViewAsync(tx.Group.Session, (await AccountRow.FindAsync(tx.Group.Session, code))!, node.Secrets);
    }

    private static void Check(ChannelSettings settings, ChannelKind? kind, HookTarget target, Problems problems)
    {
        if (settings.ApiUrl is not null && target.Problem(settings.ApiUrl) is { } api) problems.Add("settings.api_url", api);
        if (settings.AuthUrl is not null && target.Problem(settings.AuthUrl) is { } auth) problems.Add("settings.auth_url", auth);
        problems.Check(settings.RequestsPerMinute is null or (>= 1 and <= 100_000), "settings.requests_per_minute", "must be 1–100000");
        problems.Check(settings.Carriers is null || settings.Carriers.Count <= 200 && settings.Carriers.All(c => c.Key.Length is > 0 and <= 64 && c.Value is { Length: > 0 and <= 64 }), "settings.carriers",
            "must name at most 200 carriers, in 1–64 characters each");
        if (settings.Pool is { } pool)
        {
            problems.Check(pool.Buffer is null or (>= 0 and <= Limits.MaxQuantity), "settings.pool.buffer", "must be 0 or more");
            problems.Check(pool.SharePercent is null or (>= 0 and <= 100), "settings.pool.share_percent", "must be 0–100");
            problems.Check(pool.Max is null or (>= 0 and <= Limits.MaxQuantity), "settings.pool.max", "must be 0 or more");
            problems.Check(pool.Sites is null || pool.Sites.Count <= 1_000 && pool.Sites.All(s => CodeRule.TryNormalize(s, out _)), "settings.pool.sites", "must be codes of sites");
        }
        if (kind == ChannelKind.Allegro) problems.Check(settings.Mapping is null, "settings.mapping", "is for shops only");
        if (kind != ChannelKind.Shop) return;
        if (settings.Mapping is { } mapping) mapping.Check(target, problems);
        else problems.Add("settings.mapping", "is required for a shop");
    }

    private static void Check(ChannelSecrets? secrets, Problems problems)
    {
        if (secrets is null) return;
        foreach (var (field, value) in Named(secrets))
            problems.Check(value is null || value.Length is > 0 and <= 8_000 && value.All(c => c is >= ' ' and <= '~'), "secrets." + field, "must be 1–8000 printable ASCII characters");
    }

    private static IEnumerable<(string Field, string? Value)> Named(ChannelSecrets s) =>
        [("client_id", s.ClientId), ("client_secret", s.ClientSecret), ("refresh_token", s.RefreshToken), ("token", s.Token), ("signing_secret", s.SigningSecret)];

    private sealed record Counts
    {
        public long Offers { get; init; }
        public long Differing { get; init; }
        public long Pending { get; init; }
        public long Failed { get; init; }
        public long Waiting { get; init; }
        public long Untold { get; init; }
        public long Unheard { get; init; }
    }

    internal static async Task<ChannelView?> ViewAsync(SqlSession session, string account, SecretBox? box) => await AccountRow.FindAsync(session, account) is { } row ? await ViewAsync(session, row, box) : null;

    private static async ValueTask<ChannelView> ViewAsync(SqlSession session, AccountRow row, SecretBox? box)
    {
        var counts = await session.FindAsync<Counts>("""
            SELECT (SELECT COUNT(*) FROM channel_offers WHERE account = @code) AS offers,
                (SELECT COUNT(*) FROM channel_offers WHERE account = @code AND wanted IS NOT NULL AND (acknowledged IS NULL OR acknowledged <> wanted)) AS differing,
                (SELECT COUNT(*) FROM stock_operations WHERE account = @code AND status IN (1, 2)) AS pending,
                (SELECT COUNT(*) FROM stock_operations WHERE account = @code AND status = 4) AS failed,
                (SELECT COUNT(*) FROM channel_waiting_orders WHERE account = @code) AS waiting,
                (SELECT COUNT(*) FROM channel_reports WHERE account = @code AND status IN (1, 2)) AS untold,
                (SELECT COUNT(*) FROM channel_reports WHERE account = @code AND status = 4) AS unheard
            """, new { code = row.Code }) ?? new Counts();
        string[] secrets = row.Opened(box) is { } open ? [.. Named(open).Where(n => n.Value is not null).Select(n => n.Field)] : ["unreadable"];
        return new ChannelView(row.Code, row.Kind, row.Name, row.Enabled, row.Rules, secrets, row.FailingSince, row.LastError, row.LastSuccessAt,
            row.FailingSince is null ? null : row.ProbeAt, AllegroApi.TokenUntil(row, box), row.EventReadAt is null ? null : row.EventCursor, row.EventReadAt, row.ReconciledAt, counts.Offers,
            counts.Differing, counts.Pending, counts.Failed, counts.Waiting, counts.Untold, counts.Unheard, row.SavedAt, row.ReconciledTask);
    }
}
