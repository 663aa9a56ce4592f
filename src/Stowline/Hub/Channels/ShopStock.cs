using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Stowline.Http;

namespace Stowline.Hub.Channels;

/// <summary>A shop's stock by the calls of its mapping. A call sets quantities, so that repeating it sets them again; its answer is all there is to know.</summary>
internal sealed class ShopStock(string account, ChannelCalls calls, ShopMapping mapping, ChannelSecrets secrets) : IShop
{
    private readonly ShopStockCall _set = mapping.Stock ?? new ShopStockCall();

    public int BatchSize => _set.Each is null ? 1 : _set.BatchSize ?? 100;
    public bool SameQuantity => false;
    public bool Reports => false;
    public bool CanRead => mapping.Read is not null;

    public Task<CallAnswer> SetAsync(Guid command, IReadOnlyList<OfferQuantity> offers, CancellationToken ct)
    {
        var items = _set.Each is { } each ? new JsonArray([.. offers.Select(o => Fill(Node(each), o, null))]) : null;
        var body = Fill(Node(_set.Body!.Value), offers[0], items);
        var url = _set.Url!.Replace("{offer}", Uri.EscapeDataString(offers[0].Offer), StringComparison.Ordinal);
        return calls.SendAsync(account, forStock: true, () =>
        {
            var request = Request(new HttpMethod(_set.Method ?? "PUT"), url);
            request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, HttpJson.Options)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            request.Headers.Add("Idempotency-Key", command.ToString());
            return request;
        }, ct);
    }

    /// <summary>WooCommerce answers 200 to a batch of which it refused some.</summary>
    public CommandReport ReportIn(CallAnswer answer)
    {
        if (!answer.Ok || _set.Failed is not { } map || answer.Body is null) return CommandReport.AllSet;
        var failed = new Dictionary<string, string>(StringComparer.Ordinal);
        if (ShopReader.At(JsonSerializer.SerializeToElement(answer.Body), map.Items) is { ValueKind: JsonValueKind.Array } items)
            foreach (var item in items.EnumerateArray())
                if (ShopReader.Text(item, map.Id) is { } offer && ShopReader.Text(item, map.Error) is { } why) failed[offer] = why;
        return failed.Count == 0 ? CommandReport.AllSet : new CommandReport(CommandState.Finished, failed);
    }

    public Task<(CallAnswer Answer, CommandReport? Report)> LookAsync(Guid command, int offers, CancellationToken ct) => throw new NotSupportedException("a shop's answer tells all");

    public async Task<(CallAnswer Answer, ShownPage? Page)> ReadAsync(IReadOnlyList<string> offers, string? from, int batch, CancellationToken ct)
    {
        var start = from is null ? 0 : int.Parse(from, CultureInfo.InvariantCulture);
        string[] asked = [.. offers.Skip(start).Take(batch)];
        if (asked.Length == 0) return (new CallAnswer(CallResult.Done, null, null, null, null, default), new ShownPage([], null));
        var url = mapping.Read!.Url!.Replace("{offers}", string.Join(',', asked.Select(Uri.EscapeDataString)), StringComparison.Ordinal);
        var answer = await calls.SendAsync(account, forStock: true, () => Request(HttpMethod.Get, url), ct);
        if (!answer.Ok) return (answer, null);
        var shown = new List<ShownOffer>();
        if (answer.Body is { } body && ShopReader.At(JsonSerializer.SerializeToElement(body), mapping.Read.Items) is { ValueKind: JsonValueKind.Array } items)
            foreach (var item in items.EnumerateArray())
                if (ShopReader.Text(item, mapping.Read.Offer) is { } offer)
                    shown.Add(new ShownOffer(offer, null, long.TryParse(ShopReader.Text(item, mapping.Read.Quantity), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var units) ? units : null));
        return (answer, new ShownPage(shown, start + asked.Length < offers.Count ? (start + asked.Length).ToString(CultureInfo.InvariantCulture) : null));
    }

    private HttpRequestMessage Request(HttpMethod method, string url)
    {
        var request = new HttpRequestMessage(method, url);
        if (secrets.Token is { } token) request.Headers.TryAddWithoutValidation(_set.AuthHeader ?? "Authorization", token);
        return request;
    }

    private static JsonNode? Node(JsonElement element) => JsonNode.Parse(element.GetRawText());

    private static JsonNode? Fill(JsonNode? node, OfferQuantity offer, JsonArray? items) => JsonTemplate.Fill(node, text => text switch
    {
        "{items}" => items,
        "{quantity}" => JsonValue.Create(offer.Quantity),
        "{offer_number}" when long.TryParse(offer.Offer, NumberStyles.None, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        _ => JsonValue.Create(text.Replace("{offer}", offer.Offer, StringComparison.Ordinal).Replace("{quantity}", offer.Quantity.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)),
    });
}

/// <summary>A JSON document with texts to be filled in, at any depth.</summary>
internal static class JsonTemplate
{
    public static JsonNode? Fill(JsonNode? node, Func<string, JsonNode?> text)
    {
        switch (node)
        {
            case JsonObject o:
                foreach (var (name, child) in o.ToArray())
                {
                    o[name] = null; // a node has one parent at a time
                    o[name] = Fill(child, text);
                }
                return o;
            case JsonArray a:
                var children = a.ToArray();
                a.Clear();
                foreach (var child in children) a.Add(Fill(child, text));
                return a;
            case JsonValue v when v.TryGetValue<string>(out var words):
                return text(words);
            default:
                return node;
        }
    }
}
