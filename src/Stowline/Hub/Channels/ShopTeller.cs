using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Ordering;

namespace Stowline.Hub.Channels;

/// <summary>
/// A shop is told by the calls of its mapping. Where it wants its own lines' ids, they are read when the parcel is told, so that they are those of the order as it is now. After a lost
/// answer the shop's parcels are read first, where the mapping says how. A repeat carries the same <c>Idempotency-Key</c>; whether the shop looks at it is the shop's affair.
/// </summary>
internal sealed class ShopTeller(string account, ChannelCalls calls, ChannelSettings rules, ChannelSecrets secrets, SkusOfOffers skus) : IOrderTeller
{
    private readonly ShopMapping _mapping = rules.Mapping!;

    public bool TellsShipments => _mapping.Shipment is not null;
    public string? WordOf(OrderStatus status) => _mapping.Status?.Words?.GetValueOrDefault(SnakeCaseEnum<OrderStatus>.Text(status));
    public Task<CallAnswer> TellStatusAsync(ReportRow report, string word, CancellationToken ct) => SendAsync(_mapping.Status!, report, new Filling(Word: word), ct);

    public async Task<CallAnswer> TellShipmentAsync(ReportRow report, CancellationToken ct)
    {
        var call = _mapping.Shipment!;
        if (report.Unsure && call.Known is { } known)
        {
            var there = await GetAsync(call, known.Url!, report, ct);
            var mark = Words(known.Is ?? "{tracking_number}", report, new Filling());
            if (!there.Ok || ParcelLines.Array(Element(there), known.Items).Any(p => ShopReader.Text(p, known.Mark) == mark)) return there;
        }
        var parcel = report.Contents;
        if (call.Order is not { } order) return await SendAsync(call, report, new Filling(Lines: [.. parcel.Select(p => new TheirLine("", p.Sku, p.Quantity))]), ct);
        var (read, lines) = await LinesAsync(call, order, report, ct);
        if (!read.Ok) return read;
        if (call.Open is { } open)
        {
            read = await GetAsync(call, open.Url!, report, ct);
            if (!read.Ok) return read;
            lines = ParcelLines.Open(Element(read), open, lines);
        }
        var taken = ParcelLines.Take(parcel, lines);
        return taken.Count > 0 ? await SendAsync(call, report, new Filling(Lines: taken), ct)
            : new CallAnswer(CallResult.Rejected, null, null, "the shop's order has no open line for what is in the parcel: " + ParcelLines.Text(parcel), null, default);
    }

    private async Task<(CallAnswer Answer, IReadOnlyList<TheirLine> Lines)> LinesAsync(ShopShipmentCall call, ShopOrderRead read, ReportRow report, CancellationToken ct)
    {
        var answer = await GetAsync(call, read.Url!, report, ct);
        if (!answer.Ok) return (answer, []);
        var map = _mapping.Orders!;
        var order = ShopReader.Unwrap(Element(answer), map);
        return (answer, ParcelLines.Of(order, map, read.Line!, await skus([.. ShopReader.OffersOf(order, map)], ct)));
    }

    private static JsonElement Element(CallAnswer answer) => JsonSerializer.SerializeToElement(answer.Body);

    private Task<CallAnswer> GetAsync(ShopReportCall call, string url, ReportRow report, CancellationToken ct) =>
        calls.SendAsync(account, forStock: false, () => Request(HttpMethod.Get, call, url, report, ""), ct);

    private Task<CallAnswer> SendAsync(ShopReportCall call, ReportRow report, Filling filling, CancellationToken ct)
    {
        var body = Fill(call.Body!.Value, call as ShopShipmentCall, report, filling);
        return calls.SendAsync(account, forStock: false, () =>
        {
            var request = Request(new HttpMethod(call.Method ?? "PUT"), call, call.Url!, report, filling.Word);
            request.Headers.Add("Idempotency-Key", $"{report.Id}:{report.Position}");
            request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, HttpJson.Options)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            return request;
        }, ct);
    }

    private HttpRequestMessage Request(HttpMethod method, ShopReportCall call, string url, ReportRow report, string word)
    {
        var request = new HttpRequestMessage(method, url.Replace("{order}", Uri.EscapeDataString(report.ExternalId), StringComparison.Ordinal).Replace("{status}", Uri.EscapeDataString(word), StringComparison.Ordinal));
        if (secrets.Token is { } token) request.Headers.TryAddWithoutValidation(call.AuthHeader ?? "Authorization", token);
        return request;
    }

    /// <summary>What stands for the names in braces, beside what the report says.</summary>
    private sealed record Filling(string Word = "", IReadOnlyList<TheirLine>? Lines = null, TheirLine? Line = null, string Group = "");

    private JsonNode? Fill(JsonElement template, ShopShipmentCall? call, ReportRow report, Filling filling) => JsonTemplate.Fill(JsonNode.Parse(template.GetRawText()), text => text switch
    {
        "{order_number}" => Number(report.ExternalId) ?? JsonValue.Create(report.ExternalId),
        "{quantity}" when filling.Line is { } line => JsonValue.Create(line.Quantity),
        "{line_number}" when filling.Line is { } line => Number(line.Line) ?? JsonValue.Create(line.Line),
        "{group_number}" => Number(filling.Group) ?? JsonValue.Create(filling.Group),
        "{lines}" when call?.EachLine is { } each => new JsonArray([.. (filling.Lines ?? []).Select(l => Fill(each, call, report, filling with { Line = l }))]),
        "{groups}" when call?.EachGroup is { } each => new JsonArray([.. (filling.Lines ?? []).GroupBy(l => l.Group).Select(g => Fill(each, call, report, filling with { Group = g.Key, Lines = [.. g] }))]),
        _ => JsonValue.Create(Words(text, report, filling)),
    });

    private string Words(string text, ReportRow report, Filling filling)
    {
        var carrier = report.Carrier is { } ours ? rules.Carriers?.GetValueOrDefault(ours) ?? ours : "";
        (string Name, string? Value)[] words =
        [
            ("{order}", report.ExternalId), ("{status}", filling.Word), ("{carrier}", carrier), ("{tracking_number}", report.TrackingNumber), ("{contents}", ParcelLines.Text(report.Contents)),
            ("{line}", filling.Line?.Line), ("{sku}", filling.Line?.Sku), ("{group}", filling.Group),
        ];
        return words.Aggregate(text, (made, word) => made.Replace(word.Name, word.Value, StringComparison.Ordinal));
    }

    private static JsonValue? Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number) : null;
}
