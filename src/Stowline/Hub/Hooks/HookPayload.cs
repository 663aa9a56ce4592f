using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Ordering;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Hooks;

/// <summary>What an endpoint is sent of an event. Made anew for each attempt: of a person who was erased meanwhile nothing is sent any more.</summary>
internal static class HookPayload
{
    /// <summary>Free text is personal too: people write names and addresses into it.</summary>
    private static readonly string[] Personals = ["personal", "person_id", "note"];

    /// <summary>The URL and the body; null when the endpoint is not to hear of this event.</summary>
    public static async Task<(string Url, byte[] Body)?> MakeAsync(Database database, WebhookRow hook, EventRecord e, CancellationToken ct)
    {
        if (hook.Profile == WebhookProfile.OrderStatus) return await StatusAsync(database, hook, e, ct);
        var data = JsonNode.Parse(e.Payload) as JsonObject ?? [];
        var details = hook.Personal ? await DetailsAsync(database, data, ct) : null;
        Strip(data, hook.Personal);
        if (details is not null)
        {
            data["customer"] = JsonSerializer.SerializeToNode(details.Customer, HttpJson.Options);
            data["ship_to"] = JsonSerializer.SerializeToNode(details.ShipTo, HttpJson.Options);
        }
        return (hook.Url, Write(e.Type, e.At, new JsonObject { ["id"] = e.Id.ToString(), ["lane"] = e.Lane.Name, ["position"] = e.Position, ["subject"] = e.Subject }, e.OrderId, data));
    }

    /// <summary>What the test button sends.</summary>
    public static byte[] Test(WebhookRow hook, DateTimeOffset now) => hook.Profile == WebhookProfile.OrderStatus
        ? JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["test"] = true }, HttpJson.Options)
        : Write(HookFeed.TestType, now, [], null, new JsonObject { ["message"] = "This is a test from Stowline." });

    private static byte[] Write(string type, DateTimeOffset at, JsonObject place, Guid? order, JsonObject data)
    {
        var body = new JsonObject { ["type"] = type, ["timestamp"] = RowTypes.Text(at) };
        foreach (var (name, value) in place.ToArray())
        {
            place.Remove(name);
            body[name] = value;
        }
        if (order is { } id) body["order_id"] = id.ToString();
        body["data"] = data;
        return JsonSerializer.SerializeToUtf8Bytes(body, HttpJson.Options);
    }

    /// <summary>Takes out what is personal, at any depth. Ciphertext never leaves, even where plain text may.</summary>
    private static void Strip(JsonNode? node, bool keepNote)
    {
        switch (node)
        {
            case JsonObject o:
                foreach (var name in Personals)
                    if (name != "note" || !keepNote) o.Remove(name);
                foreach (var (_, child) in o) Strip(child, keepNote);
                break;
            case JsonArray a:
                foreach (var child in a) Strip(child, keepNote);
                break;
        }
    }

    private static async Task<PersonalDetails?> DetailsAsync(Database database, JsonObject data, CancellationToken ct)
    {
        if (data["personal"]?.GetValue<string>() is not { } text || data["person_id"]?.GetValue<string>() is not { } id || !Guid.TryParse(id, out var person)) return null;
        var key = await database.ReadAsync(async s => await Personal.KeyAsync(s, person), ct);
        return Personal.Decrypt(key, Convert.FromBase64String(text)) is { } plain ? JsonSerializer.Deserialize(plain, ContractsJson.Default.PersonalDetails) : null;
    }

    /// <summary>
    /// The order's id as the listings service knows it: its own where the order came from there, else our number. A change that is none in its words
    /// (from picking to packing) is not told.
    /// </summary>
    private static async Task<(string Url, byte[] Body)?> StatusAsync(Database database, WebhookRow hook, EventRecord e, CancellationToken ct)
    {
        var (from, to) = e.Type == OrderPlaced.Type ? (null, "allocated") : e.Type == OrderStatusChanged.Type && e.Read<OrderStatusChanged>() is var change
            ? (change.From, change.To) : (null, null);
        if (to is null || ListingsStatus(to) is not { } status || from is not null && ListingsStatus(from) == status || e.OrderId is not { } id) return null;
        if (await database.ReadAsync(s => OrdersNow.WithoutPersonAsync(s, id), ct) is not { } order) return null;
        if (hook.Channel is { } channel && order.Channel != channel) return null;
        if (e.Type == OrderPlaced.Type && e.Read<OrderPlaced>().Parts.All(p => p.Site is null)) status = "pending";
        var number = order.Channel == (hook.Channel ?? "listings") ? order.ExternalId : order.Number.ToString(CultureInfo.InvariantCulture);
        var body = new JsonObject { ["order_id"] = number, ["status"] = status, ["message"] = Message(status), ["detail"] = to, ["timestamp"] = RowTypes.Text(e.At) };
        return (hook.Url.Replace("{id}", Uri.EscapeDataString(number), StringComparison.Ordinal), JsonSerializer.SerializeToUtf8Bytes(body, HttpJson.Options));
    }

    /// <summary>Our status in the words of source 2 §6.1, <c>ready_for_shipment</c> when all of it is packed (§3.1); null for what is undecided.</summary>
    internal static string? ListingsStatus(string status) => status switch
    {
        "backorder" => "pending",
        "allocated" => "confirmed",
        "picking" or "packing" => "processing",
        "ready" => "ready_for_shipment",
        "shipped" => "shipped",
        "delivered" => "delivered",
        "cancelled" => "cancelled",
        _ => null,
    };

    /// <summary>The third argument of source 2's <c>UpdateOrderStatus(orderID, status, message)</c>: the status for a reader.</summary>
    private static string Message(string status) => status switch
    {
        "pending" => "The order waits for stock",
        "confirmed" => "Stock is reserved for the order",
        "processing" => "The order is being picked and packed",
        "ready_for_shipment" => "The order is packed and ready for shipment",
        "shipped" => "The order is on its way",
        "delivered" => "The order was delivered",
        "cancelled" => "The order was cancelled",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "is none of the listings service's"),
    };
}
