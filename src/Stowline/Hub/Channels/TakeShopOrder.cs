using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Channels;

/// <summary>What became of a shop's order. Stored nowhere.</summary>
[System.Text.Json.Serialization.JsonConverter(typeof(SnakeCaseEnum<ShopOrderResult>))]
public enum ShopOrderResult
{
    Placed = 1,
    /// <summary>It was there already, and nothing was changed.</summary>
    Existing = 2,
    /// <summary>It is cancelled, or its cancellation was asked for.</summary>
    Cancelled = 3,
    /// <summary>The mapping does not take orders in this state, or it cannot be cancelled any more.</summary>
    Ignored = 4,
}

public sealed record ShopOrderTaken(ShopOrderResult Result, string? OrderId, long? Number, string? Reason);

/// <summary>
/// <c>POST /channels/{account}/orders</c>: a shop's order as the shop writes it (S7), as its webhook. Where the mapping says how the shop signs, a call needs the signature and no
/// key. Refusals: <c>channel_not_found</c>, <c>channel_disabled</c>, <c>bad_signature</c> (401), <c>unknown_sku</c>, and what is wrong with the order by field.
/// </summary>
internal sealed class TakeShopOrder(Node node, ChannelOrders orders)
{
    private const int MostBody = 1024 * 1024;

    public void Map(IEndpointRouteBuilder api) => api.MapPost("/channels/{account}/orders", (HttpContext http, string account) => RunAsync(http, account))
        .WithMetadata(new SignedDoor()).WithTags("Channels").WithSummary("Take a shop's order as the shop writes it").Takes<JsonElement>().Produces<ShopOrderTaken>(201).Produces<ShopOrderTaken>().KeepsNoAnswer();

    private async Task RunAsync(HttpContext http, string account)
    {
        var body = await Requests.ReadAsync<JsonNode>(http, MostBody);
        if (body.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var caller = Requests.CallerOf(http);
        if (caller.Refusal is { } wrong) { await Answers.WriteAsync(http, wrong); return; }
        var row = await node.Database.ReadAsync(async s => await AccountRow.FindAsync(s, account), http.RequestAborted);
        if (Enter(http, account, row) is { } no) { await Answers.WriteAsync(http, no); return; }
        // The caller's idempotency key is not used: the order's own id says what was there before.
        var taken = await TakeAsync(row!, body.Value, caller.Value with { Actor = ChannelOrders.CallerOf(account).Actor, Idempotency = null }, http.RequestAborted);
        await Answers.WriteAsync(http, taken, taken is { IsOk: true, Value.Result: ShopOrderResult.Placed } ? 201 : 200);
    }

    private Refusal? Enter(HttpContext http, string account, AccountRow? row)
    {
        var signing = row?.Rules.Mapping?.Signature;
        var stranger = http.Features.Get<WithoutKey>() is not null;
        if (stranger && signing is null) return new Refusal(RefusalKind.Unauthenticated, "unauthenticated", "this node needs a key: send it as 'Authorization: Bearer KEY'");
        if (row is null) return SaveChannel.NotFound(account);
        if (signing is not null && (row.Opened(node.Secrets)?.SigningSecret is not { } secret || !ShopReader.IsSigned(signing, secret, http.Request.Headers, Requests.BodyOf(http), node.Time.GetUtcNow())))
            return new Refusal(RefusalKind.Unauthenticated, "bad_signature", "the signature is missing or not that of this body");
        if (!row.Enabled || !row.Rules.TakesOrders) return Refusal.Conflict("channel_disabled", $"channel {account} takes no orders now");
        return row.Rules.Mapping?.Orders is null ? Refusal.Conflict("channel_disabled", $"channel {account} has no mapping of orders") : null;
    }

    internal async Task<Outcome<ShopOrderTaken>> TakeAsync(AccountRow row, JsonNode body, Caller caller, CancellationToken ct)
    {
        var map = row.Rules.Mapping!.Orders!;
        var order = ShopReader.Unwrap(JsonSerializer.SerializeToElement(body), map);
        if (ShopReader.Text(order, map.ExternalId) is not { } id) return Refusal.Invalid("external_id", "is not where the mapping looks for it");
        var changed = ShopReader.ChangedAt(order, map);
        if (map.CancelWhen is { } cancel && ShopReader.Holds(order, cancel)) return await CancelAsync(row.Code, id, changed, caller, ct);
        // A shop repeats what was not answered, so a creation may come after its cancellation; where both come at once, the cancellation is found when the order is here.
        if (await orders.FindAsync(row.Code, id, ct) is { } known)
            return await CancelledAsync() == true ? await CancelAsync(row.Code, id, changed, caller, ct) : new ShopOrderTaken(ShopOrderResult.Existing, known.ToString(), null, null);
        if (map.TakeWhen is { } take && !ShopReader.Holds(order, take)) return new ShopOrderTaken(ShopOrderResult.Ignored, null, null, "the mapping does not take orders in this state");
        var gone = await CancelledAsync();
        if (gone == true) return new ShopOrderTaken(ShopOrderResult.Ignored, null, null, "it was cancelled before it came");
        var skus = await node.Database.ReadAsync(s => ChannelOffers.SkusAsync(s, row.Code, [.. ShopReader.OffersOf(order, map)]), ct);
        var read = ShopReader.Read(row.Code, order, map, skus);
        if (read.Refusal is { } unread) return unread;
        if (gone == false && await orders.ReopenAsync(row.Code, id, caller, ct) is { } busy) return busy;
        var placed = await orders.PlaceAsync(row.Code, read.Value, caller, hops: 1, ct);
        if (placed.IsOk && await CancelledAsync() == true) return await CancelAsync(row.Code, id, changed, caller, ct);
        return placed.Map(o => new ShopOrderTaken(placed.Existing ? ShopOrderResult.Existing : ShopOrderResult.Placed, o.Id, o.Number, null));

        Task<bool?> CancelledAsync() => node.Database.ReadAsync(s => CancelledOrders.HoldsAsync(s, row.Code, id, changed), ct);
    }

    private async Task<Outcome<ShopOrderTaken>> CancelAsync(string account, string id, DateTimeOffset? changed, Caller caller, CancellationToken ct)
    {
        var cancelled = await orders.CancelOrRememberAsync(account, id, changed, "cancelled in the shop", caller, hops: 2, ct);
        if (cancelled is not { } outcome) return new ShopOrderTaken(ShopOrderResult.Ignored, null, null, "it is cancelled, and was never taken");
        // The shop can do nothing about it: telling it an error would only make it try again.
        return outcome.Refusal is { Kind: RefusalKind.Conflict } late ? new ShopOrderTaken(ShopOrderResult.Ignored, null, null, late.Detail)
            : outcome.Map(o => new ShopOrderTaken(ShopOrderResult.Cancelled, o.Id, o.Number, null));
    }
}
