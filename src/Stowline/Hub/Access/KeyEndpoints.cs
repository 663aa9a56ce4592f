using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Access;

/// <summary><c>/keys</c>: keys made, listed, given a tier and revoked while the node runs. Refusals: <c>key_name_taken</c>, <c>key_not_found</c>.</summary>
internal static class KeyEndpoints
{
    public static void Map(IEndpointRouteBuilder api, Node node, AccessModule access)
    {
        var ring = access.Ring;
        api.Post("/keys", http => CreateAsync(http, node, access)).WithTags("Keys").WithSummary("Make a key; the answer is the only place where it is shown").Accepts<KeyBody>("application/json").Produces<MadeKey>(201).KeepsNoAnswer();
        api.Get("/keys", http => ListAsync(http, node)).WithTags("Keys").WithSummary("The keys, without their secrets").Pages<KeyView>();
        api.MapPut("/keys/{name}/tier", (HttpContext http, string name) => ChangeTierAsync(http, name, node, access)).WithTags("Keys").WithSummary("Give a key another tier; it counts at once").Takes<KeyTierBody>().Produces<KeyView>().KeepsNoAnswer();
        api.MapDelete("/keys/{name}", (HttpContext http, string name) => RevokeAsync(http, name, node, ring)).WithTags("Keys").WithSummary("Revoke a key; it counts at once").Produces<KeyView>().KeepsNoAnswer();
    }

    /// <summary>
    /// The idempotency key is checked but not used: it would keep the answer, and with it the secret, for 30 days. A repeat is told that the
    /// name is taken.
    /// </summary>
    private static async Task CreateAsync(HttpContext http, Node node, AccessModule access)
    {
        var body = await Requests.ReadAsync<KeyBody>(http);
        if (body.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var caller = Requests.CallerOf(http);
        if (caller.Refusal is { } wrong) { await Answers.WriteAsync(http, wrong); return; }
        var draft = KeyCommands.Prepare(body.Value, access.Tiers);
        if (draft.Refusal is { } no) { await Answers.WriteAsync(http, no); return; }
        var made = await node.Lanes.ExecuteInRepairAsync(node.Role.Home, caller.Value with { Idempotency = null }, tx => KeyCommands.CreateAsync(draft.Value, access.Ring, tx), http.RequestAborted);
        http.Response.Headers.CacheControl = "no-store";
        await Answers.WriteAsync(http, made, 201);
    }

    private static async Task ChangeTierAsync(HttpContext http, string name, Node node, AccessModule access)
    {
        var body = await Requests.ReadAsync<KeyTierBody>(http);
        if (body.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var caller = Requests.CallerOf(http);
        if (caller.Refusal is { } wrong) { await Answers.WriteAsync(http, wrong); return; }
        var tier = KeyCommands.PrepareTier(body.Value, access.Tiers);
        if (tier.Refusal is { } no) { await Answers.WriteAsync(http, no); return; }
        await Answers.WriteAsync(http, await node.Lanes.ExecuteInRepairAsync(node.Role.Home, caller.Value with { Idempotency = null },
            tx => KeyCommands.ChangeTierAsync(name, tier.Value, access.Ring, tx), http.RequestAborted));
    }

    /// <summary>Also while a restored node waits for its repair: it has keys again that were revoked since its backup.</summary>
    private static async Task RevokeAsync(HttpContext http, string name, Node node, KeyRing ring)
    {
        var caller = Requests.CallerOf(http);
        if (caller.Refusal is { } wrong) { await Answers.WriteAsync(http, wrong); return; }
        await Answers.WriteAsync(http, await node.Lanes.ExecuteInRepairAsync(node.Role.Home, caller.Value with { Idempotency = null }, tx => KeyCommands.RevokeAsync(name, ring, tx), http.RequestAborted));
    }

    private static async Task ListAsync(HttpContext http, Node node)
    {
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var (limit, cursor) = paging.Value;
        var parts = cursor?.Split('~'); // no code has one
        if (parts is not (null or { Length: 2 })) { await Answers.WriteAsync(http, Refusal.Invalid("cursor", "is not one that this list gave")); return; }
        var rows = await node.Database.ReadAsync(s => KeyCommands.ListAsync(s, parts is null ? null : (parts[0], parts[1]), limit + 1), http.RequestAborted);
        KeyView[] items = [.. rows.Take(limit)];
        await Answers.WriteAsync<Page<KeyView>>(http, new Page<KeyView>(items, rows.Count > limit ? $"{items[^1].Name}~{items[^1].Id}" : null));
    }
}
