using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Hooks;

/// <summary>An endpoint to be told of events.</summary>
public sealed record WebhookBody
{
    /// <summary>Where to, <c>https</c>. For the profile <c>order_status</c> with <c>{id}</c> where the order's id goes.</summary>
    public string? Url { get; init; }
    public string? Description { get; init; }
    public WebhookProfile? Profile { get; init; }
    /// <summary>Events by name, or by its beginning with <c>*</c>; without any <c>order.*</c>.</summary>
    public IReadOnlyList<string?>? Types { get; init; }
    /// <summary>Profile <c>order_status</c>: only orders of this channel.</summary>
    public string? Channel { get; init; }
    /// <summary>Customer, address and notes go with the events.</summary>
    public bool Personal { get; init; }
    /// <summary>Sent as the header <c>Authorization</c>; not shown again.</summary>
    public string? Authorization { get; init; }
    /// <summary>A secret to sign with, <c>whsec_</c> and Base64 of 24–64 bytes; without one it is made.</summary>
    public string? Secret { get; init; }
}

/// <summary>How long the old secret signs too: 0–168 hours, 24 without.</summary>
public sealed record RotateBody { public int? OverlapHours { get; init; } public string? Secret { get; init; } }

/// <summary>
/// <c>/webhooks</c>: endpoints made, listed, switched on and off, given new secrets, deleted. Refusals: <c>webhook_not_found</c>, <c>webhook_exists</c>,
/// <c>too_many_webhooks</c>. A new endpoint hears of what happens from then on.
/// </summary>
public static class SaveWebhook
{
    private const int MostWebhooks = 200;
    private const int MostTypes = 50;

    internal static void Map(IEndpointRouteBuilder api, Node node, HookTarget target)
    {
        api.Post("/webhooks", http => SecretAsync<WebhookBody>(http, node, (body, tx) => CreateAsync(body, target, tx), 201))
            .WithTags("Webhooks").WithSummary("Make a webhook; the answer is the only place where its secret is shown").Takes<WebhookBody>().Produces<WebhookSecret>(201).KeepsNoAnswer();
        api.Get("/webhooks", http => ListAsync(http, node)).WithTags("Webhooks").WithSummary("The webhooks, without their secrets").ShortPages<WebhookView>();
        api.MapGet("/webhooks/{id}", (HttpContext http, string id) => GetAsync(http, node, id)).WithTags("Webhooks").WithSummary("One webhook").Produces<WebhookView>();
        api.MapDelete("/webhooks/{id}", (HttpContext http, string id) => Commands.RunAsync(http, node.Lanes, Lane.Hub, tx => DeleteAsync(id, tx)))
            .WithTags("Webhooks").WithSummary("Delete a webhook with all that waits for it").Produces<WebhookView>();
        api.MapPost("/webhooks/{id}/enable", (HttpContext http, string id) => Commands.RunAsync(http, node.Lanes, Lane.Hub, tx => SwitchAsync(id, true, tx)))
            .WithTags("Webhooks").WithSummary("Switch a webhook on; it goes on where it stood").Produces<WebhookView>();
        api.MapPost("/webhooks/{id}/disable", (HttpContext http, string id) => Commands.RunAsync(http, node.Lanes, Lane.Hub, tx => SwitchAsync(id, false, tx)))
            .WithTags("Webhooks").WithSummary("Switch a webhook off; what happens meanwhile waits for it").Produces<WebhookView>();
        api.MapPost("/webhooks/{id}/rotate", (HttpContext http, string id) => SecretAsync<RotateBody>(http, node, (body, tx) => RotateAsync(id, body, tx), 200))
            .WithTags("Webhooks").WithSummary("Give a webhook a new secret; the old one signs too for a while").Takes<RotateBody>().Produces<WebhookSecret>().KeepsNoAnswer();
    }

    internal static Refusal NotFound(string id) => Refusal.NotFound("webhook_not_found", $"there is no webhook {id}");

    /// <summary>The idempotency key is checked but not used: it would keep the answer, and with it the secret. A repeat is told that the webhook exists.</summary>
    private static async Task SecretAsync<TBody>(HttpContext http, Node node, Func<TBody, LaneTransaction, ValueTask<Outcome<WebhookSecret>>> decide, int status) where TBody : class
    {
        var body = await Requests.ReadAsync<TBody>(http);
        if (body.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var caller = Requests.CallerOf(http);
        if (caller.Refusal is { } wrong) { await Answers.WriteAsync(http, wrong); return; }
        var made = await node.Lanes.ExecuteAsync(Lane.Hub, caller.Value with { Idempotency = null }, tx => decide(body.Value, tx), http.RequestAborted);
        http.Response.Headers.CacheControl = "no-store";
        await Answers.WriteAsync(http, made, status, status == 201 ? m => $"/api/v1/webhooks/{m.Id}" : null);
    }

    public static async ValueTask<Outcome<WebhookSecret>> CreateAsync(WebhookBody body, HookTarget target, LaneTransaction tx)
    {
        var profile = body.Profile ?? WebhookProfile.Standard;
        var problems = new Problems();
        var (url, types) = (body.Url?.Trim(), Check(body, profile, target, problems));
        if (problems.Any) return problems.ToRefusal();
        if (await tx.FindAsync<string>("SELECT url FROM webhooks WHERE url = @url", new { url }) is not null)
            return Refusal.Conflict("webhook_exists", "there is a webhook with this URL; delete it first, or rotate its secret");
        if (await tx.FindAsync<long>("SELECT COUNT(*) FROM webhooks") >= MostWebhooks) return Refusal.Conflict("too_many_webhooks", $"there are {MostWebhooks} webhooks already");
        var (id, secret) = (tx.NewId(), body.Secret ?? HookSignature.NewSecret(Log.Personal.IdsOf(tx)));
        await tx.WriteAsync("""
            INSERT INTO webhooks (id, url, description, profile, types, channel, personal, credentials, secret, enabled, failures, next_seq, created_at, created_by)
            VALUES (@id, @url, @description, @profile, @types, @channel, @personal, @credentials, @secret, @enabled, 0, 1, @now, @actor)
            """, new
            {
                id, url, description = body.Description, profile, types = string.Join(',', types), channel = body.Channel, personal = body.Personal,
                credentials = body.Authorization, secret, enabled = true, now = tx.Now, actor = tx.Caller.Actor,
            });
        foreach (var lane in (await LaneReader.LanesAsync(tx.Group.Session)).Where(l => HookFeed.Follows(l.Name)))
            await tx.WriteAsync("INSERT INTO webhook_cursors (webhook_id, lane, position) VALUES (@id, @lane, @position)", new { id, lane = lane.Name, position = lane.Head });
        Tell(tx, id, url!, "created", null);
        return new WebhookSecret(id, url!, secret, null);
    }

    private static string[] Check(WebhookBody body, WebhookProfile profile, HookTarget target, Problems problems)
    {
        var url = body.Url?.Trim();
        if (target.Problem(profile == WebhookProfile.OrderStatus ? url?.Replace("{id}", "0", StringComparison.Ordinal) : url) is { } wrong) problems.Add("url", wrong);
        problems.Check(profile != WebhookProfile.OrderStatus || url?.Contains("{id}", StringComparison.Ordinal) == true, "url", "must have {id} where the order's id goes");
        problems.Check(profile != WebhookProfile.OrderStatus || body.Types is null, "types", "cannot be chosen for order_status");
        problems.Check(profile == WebhookProfile.OrderStatus || body.Channel is null, "channel", "is for order_status only");
        problems.Check(body.Channel is null || CodeRule.TryNormalize(body.Channel, out _), "channel", CodeRule.Description);
        problems.Text(body.Description, "description", 200);
        problems.Check(body.Authorization is null || body.Authorization.Length is > 0 and <= 2_000 && body.Authorization.All(c => c is >= ' ' and <= '~'), "authorization",
            "must be 1–2000 printable ASCII characters");
        problems.Check(body.Secret is null || HookSignature.KeyOf(body.Secret) is not null, "secret", "must be whsec_ and Base64 of 24–64 bytes");
        if (profile == WebhookProfile.OrderStatus) return [OrderPlaced.Type, OrderStatusChanged.Type];
        var types = body.Types ?? ["order.*"];
        problems.Check(types.Count is > 0 and <= MostTypes, "types", $"must be 1–{MostTypes}");
        for (var i = 0; i < types.Count && i < MostTypes; i++)
            problems.Check(types[i] is { Length: > 0 and <= 64 } type && type.TrimEnd('*').All(c => char.IsAsciiLetterLower(c) || c is '.' or '_') && type.IndexOf('*') is var star
                && (star < 0 || star == type.Length - 1), $"types[{i}]", "must be an event such as order.placed, or the beginning of one with a *");
        return problems.Any ? [] : [.. types.Select(t => t!).Distinct(StringComparer.Ordinal)];
    }

    public static async ValueTask<Outcome<WebhookSecret>> RotateAsync(string id, RotateBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var hours = body.OverlapHours ?? 24;
        problems.Check(hours is >= 0 and <= 168, "overlap_hours", "must be 0–168");
        problems.Check(body.Secret is null || HookSignature.KeyOf(body.Secret) is not null, "secret", "must be whsec_ and Base64 of 24–64 bytes");
        if (problems.Any) return problems.ToRefusal();
        if (await FindAsync(tx, id) is not { } hook) return NotFound(id);
        var (secret, until) = (body.Secret ?? HookSignature.NewSecret(Log.Personal.IdsOf(tx)), tx.Now.AddHours(hours));
        await tx.WriteAsync("UPDATE webhooks SET secret = @secret, old_secret = @old, old_until = @until WHERE id = @id", new { id = hook.Id, secret, old = hook.Secret, until });
        Tell(tx, hook.Id, hook.Url, "rotated", null);
        return new WebhookSecret(hook.Id, hook.Url, secret, until);
    }

    public static async ValueTask<Outcome<WebhookView>> SwitchAsync(string id, bool on, LaneTransaction tx)
    {
        if (await FindAsync(tx, id) is not { } hook) return NotFound(id);
        var counts = await Webhooks.CountsAsync(tx.Group.Session, hook.Id);
        if (hook.Enabled == on) return Outcome<WebhookView>.AlreadyDone(hook.View(counts));
        var reason = on ? null : "switched off by " + tx.Caller.Actor;
        // What waits is tried at once: whoever switches it on has repaired something.
        await tx.WriteAsync("""
            UPDATE webhooks SET enabled = @on, disabled_reason = @reason, failures = 0, failing_since = NULL, paused_until = NULL WHERE id = @id
            """, new { id = hook.Id, on, reason });
        if (on) await tx.WriteAsync("UPDATE webhook_deliveries SET next_at = @now WHERE webhook_id = @id AND status = 1", new { id = hook.Id, now = tx.Now });
        Tell(tx, hook.Id, hook.Url, on ? "enabled" : "disabled", reason);
        return (hook with { Enabled = on, DisabledReason = reason, Failures = 0, FailingSince = null, PausedUntil = null }).View(counts);
    }

    public static async ValueTask<Outcome<WebhookView>> DeleteAsync(string id, LaneTransaction tx)
    {
        if (await FindAsync(tx, id) is not { } hook) return NotFound(id);
        await tx.WriteAsync("DELETE FROM webhook_deliveries WHERE webhook_id = @id", new { id = hook.Id });
        await tx.WriteAsync("DELETE FROM webhook_cursors WHERE webhook_id = @id", new { id = hook.Id });
        await tx.WriteAsync("DELETE FROM webhooks WHERE id = @id", new { id = hook.Id });
        Tell(tx, hook.Id, hook.Url, "deleted", null);
        return hook.View(default);
    }

    internal static void Tell(LaneTransaction tx, Guid id, string url, string change, string? reason) =>
        tx.Append(Lane.Hub, new WebhookChanged(id, new Uri(url).Host, change, reason), "webhook/" + id);

    internal static async ValueTask<WebhookRow?> FindAsync(LaneTransaction tx, string id) =>
        Guid.TryParseExact(id, "D", out var key) ? await Webhooks.FindAsync(tx.Group.Session, key) : null;

    private static async Task ListAsync(HttpContext http, Node node)
    {
        var items = await node.Database.ReadAsync(async session =>
        {
            var views = new List<WebhookView>();
            foreach (var hook in await Webhooks.AllAsync(session)) views.Add(hook.View(await Webhooks.CountsAsync(session, hook.Id)));
            return views;
        }, http.RequestAborted);
        await Answers.WriteAsync(http, Pages.Of(http, items, hook => hook.Id.ToString())); // there are at most 200
    }

    private static async Task GetAsync(HttpContext http, Node node, string id)
    {
        var view = await node.Database.ReadAsync(async session => Guid.TryParseExact(id, "D", out var key) && await Webhooks.FindAsync(session, key) is { } hook
            ? hook.View(await Webhooks.CountsAsync(session, hook.Id)) : null, http.RequestAborted);
        await Answers.WriteAsync(http, view is null ? NotFound(id) : (Outcome<WebhookView>)view);
    }
}
