using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Ordering;

namespace Stowline.Hub.Channels;

/// <summary>
/// Allegro's way of hearing of an order: <c>PUT /order/checkout-forms/{id}/fulfillment</c> for its status, <c>POST …/shipments</c> for a parcel. A parcel that is told twice would be there
/// twice, so after a lost answer the form's parcels are read first.
/// </summary>
internal sealed class AllegroTeller(AllegroApi api, ChannelSettings rules) : IOrderTeller
{
    private const int LongestCarrier = 30;

    public bool TellsShipments => true;

    /// <summary>NEW is where every order begins, and delivery is the carrier's to tell: but what was delivered was sent, whether or not Allegro has heard of that yet.</summary>
    public string? WordOf(OrderStatus status) => status switch
    {
        OrderStatus.Picking or OrderStatus.Packing => "PROCESSING",
        OrderStatus.Ready => "READY_FOR_SHIPMENT",
        OrderStatus.Shipped or OrderStatus.Delivered => "SENT",
        OrderStatus.Cancelled => "CANCELLED",
        OrderStatus.Backorder or OrderStatus.Allocated or OrderStatus.Cancelling or OrderStatus.Short => null,
    };

    public Task<CallAnswer> TellStatusAsync(ReportRow report, string word, CancellationToken ct) =>
        api.SendAsync(HttpMethod.Put, Form(report) + "/fulfillment", new JsonObject { ["status"] = word }, forStock: false, ct);

    public async Task<CallAnswer> TellShipmentAsync(ReportRow report, CancellationToken ct)
    {
        if (report.Unsure)
        {
            var there = await api.GetAsync(Form(report) + "/shipments", forStock: false, ct);
            if (!there.Ok || there.Body?["shipments"] is JsonArray known && known.Any(s => s?["waybill"]?.ToString() == report.TrackingNumber)) return there;
        }
        var carrier = report.Carrier ?? "";
        var id = rules.Carriers?.GetValueOrDefault(carrier) ?? "OTHER";
        var body = new JsonObject { ["carrierId"] = id, ["waybill"] = report.TrackingNumber };
        if (id == "OTHER") body["carrierName"] = carrier.Length > LongestCarrier ? carrier[..LongestCarrier] : carrier;
        return await api.SendAsync(HttpMethod.Post, Form(report) + "/shipments", body, forStock: false, ct);
    }

    private static string Form(ReportRow report) => "/order/checkout-forms/" + Uri.EscapeDataString(report.ExternalId);
}

/// <summary>A shop is told by the calls of its mapping. A repeat carries the same <c>Idempotency-Key</c>; whether the shop looks at it is the shop's affair.</summary>
internal sealed class ShopTeller(string account, ChannelCalls calls, ShopMapping mapping, ChannelSecrets secrets) : IOrderTeller
{
    public bool TellsShipments => mapping.Shipment is not null;
    public string? WordOf(OrderStatus status) => mapping.Status?.Words?.GetValueOrDefault(SnakeCaseEnum<OrderStatus>.Text(status));
    public Task<CallAnswer> TellStatusAsync(ReportRow report, string word, CancellationToken ct) => SendAsync(mapping.Status!, report, word, ct);
    public Task<CallAnswer> TellShipmentAsync(ReportRow report, CancellationToken ct) => SendAsync(mapping.Shipment!, report, "", ct);

    private Task<CallAnswer> SendAsync(ShopReportCall call, ReportRow report, string word, CancellationToken ct)
    {
        var body = JsonTemplate.Fill(JsonNode.Parse(call.Body!.Value.GetRawText()), text => Words(text, report, word));
        return calls.SendAsync(account, forStock: false, () =>
        {
            var request = new HttpRequestMessage(new HttpMethod(call.Method ?? "PUT"), call.Url!.Replace("{order}", Uri.EscapeDataString(report.ExternalId), StringComparison.Ordinal));
            if (secrets.Token is { } token) request.Headers.TryAddWithoutValidation(call.AuthHeader ?? "Authorization", token);
            request.Headers.Add("Idempotency-Key", $"{report.Id}:{report.Position}");
            request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, HttpJson.Options)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            return request;
        }, ct);
    }

    private static JsonValue? Words(string text, ReportRow report, string word) =>
        text == "{order_number}" && long.TryParse(report.ExternalId, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number)
            : JsonValue.Create(text.Replace("{order}", report.ExternalId, StringComparison.Ordinal).Replace("{status}", word, StringComparison.Ordinal)
                .Replace("{carrier}", report.Carrier, StringComparison.Ordinal).Replace("{tracking_number}", report.TrackingNumber, StringComparison.Ordinal));
}
