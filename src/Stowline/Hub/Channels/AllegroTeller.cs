using System.Text.Json.Nodes;
using Stowline.Hub.Ordering;

namespace Stowline.Hub.Channels;

/// <summary>
/// Allegro's way of hearing of an order: <c>PUT /order/checkout-forms/{id}/fulfillment</c> for its status, <c>POST …/shipments</c> for a parcel. A parcel that is told twice would be there
/// twice, so after a lost answer the form's parcels are read first. One that has not all of the form names its line items; without, Allegro takes it for the whole form.
/// </summary>
internal sealed class AllegroTeller(AllegroApi api, ChannelSettings rules, SkusOfOffers skus) : IOrderTeller
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
            if (!there.Ok || ParcelsOf(there).Any(s => s["waybill"]?.ToString() == report.TrackingNumber)) return there;
        }
        var (answer, items) = await ItemsAsync(report, ct);
        if (!answer.Ok) return answer;
        var carrier = report.Carrier ?? "";
        var id = rules.Carriers?.GetValueOrDefault(carrier) ?? "OTHER";
        var body = new JsonObject { ["carrierId"] = id, ["waybill"] = report.TrackingNumber };
        if (id == "OTHER") body["carrierName"] = carrier.Length > LongestCarrier ? carrier[..LongestCarrier] : carrier;
        if (items.Count > 0) body["lineItems"] = new JsonArray([.. items.Select(i => (JsonNode)new JsonObject { ["id"] = i })]);
        return await api.SendAsync(HttpMethod.Post, Form(report) + "/shipments", body, forStock: false, ct);
    }

    /// <summary>The line items that are in the parcel; none when it has all of the form, or what it has cannot be found there. Of two items of the same goods the one without a parcel comes first.</summary>
    private async Task<(CallAnswer Answer, IReadOnlyList<string> Items)> ItemsAsync(ReportRow report, CancellationToken ct)
    {
        var form = await api.GetAsync(Form(report), forStock: false, ct);
        if (!form.Ok || form.Body is not { } read) return (form, []);
        var lines = AllegroForms.LinesOf(read, await skus([.. AllegroForms.OffersOf(read)], ct));
        if (ParcelLines.IsAll(report.Contents, lines)) return (form, []);
        var there = await api.GetAsync(Form(report) + "/shipments", forStock: false, ct);
        if (!there.Ok) return (there, []);
        var sent = ParcelsOf(there).SelectMany(p => p["lineItems"] as JsonArray ?? []).Select(i => i?["id"]?.ToString()).ToHashSet();
        return (form, [.. ParcelLines.Take(report.Contents, lines.OrderBy(l => sent.Contains(l.Line))).Select(l => l.Line)]);
    }

    private static IEnumerable<JsonNode> ParcelsOf(CallAnswer answer) => (answer.Body?["shipments"] as JsonArray ?? []).OfType<JsonNode>();

    private static string Form(ReportRow report) => "/order/checkout-forms/" + Uri.EscapeDataString(report.ExternalId);
}
