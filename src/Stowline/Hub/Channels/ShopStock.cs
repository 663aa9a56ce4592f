using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Stowline.Http;

namespace Stowline.Hub.Channels;

/// <summary>A shop's stock by the calls of its mapping. A call sets quantities, so that repeating it sets them again; its answer is all there is to know.</summary>
internal sealed class ShopStock(string account, ChannelCalls calls, ShopMapping mapping, ChannelSecrets secrets) : IShop
{
    private const string Elsewhere = "belongs into another call by now, and is sent anew";

    private readonly ShopStockCall _set = mapping.Stock ?? new ShopStockCall();

    public (string Group, int Most) CallOf(string offer) => PathOf(offer).Parent is { } parent ? (parent, mapping.Variations!.Stock!.Most) : ("", _set.Most);
    public bool SameQuantity => false;
    public bool Reports => false;
    public bool CanRead => mapping.Read is not null || mapping.Variations?.Read is not null;

    /// <summary>A variation's parent and its own id; all others have no parent.</summary>
    private (string? Parent, string Own) PathOf(string offer) =>
        mapping.Variations is not null && offer.LastIndexOf('/') is > 0 and var at && at < offer.Length - 1 ? (offer[..at], offer[(at + 1)..]) : (null, offer);

    private ShopStockCall CallFor(string? parent) => parent is null ? _set : mapping.Variations!.Stock!;

    /// <summary>The offers of the first one's call. Others are among them only where the mapping was changed after they had been taken together.</summary>
    private (string? Parent, IReadOnlyList<OfferQuantity> Own) Together(IReadOnlyList<OfferQuantity> offers)
    {
        var parent = PathOf(offers[0].Offer).Parent;
        var most = CallFor(parent).Most;
        return (parent, [.. offers.Where(o => PathOf(o.Offer).Parent == parent).Take(most).Select(o => o with { Offer = PathOf(o.Offer).Own })]);
    }

    public Task<CallAnswer> SetAsync(Guid command, IReadOnlyList<OfferQuantity> offers, CancellationToken ct)
    {
        var (parent, own) = Together(offers);
        var call = CallFor(parent);
        var items = call.Each is { } each ? new JsonArray([.. own.Select(o => Fill(Node(each), o, parent, null))]) : null;
        var body = Fill(Node(call.Body!.Value), own[0], parent, items);
        var url = InParent(call.Url!, parent).Replace("{offer}", Uri.EscapeDataString(own[0].Offer), StringComparison.Ordinal);
        return calls.SendAsync(account, forStock: true, () =>
        {
            var request = Request(new HttpMethod(call.Method ?? "PUT"), url, call);
            request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, HttpJson.Options)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            request.Headers.Add("Idempotency-Key", command.ToString());
            return request;
        }, ct);
    }

    /// <summary>WooCommerce answers 200 to a batch of which it refused some.</summary>
    public CommandReport ReportIn(CallAnswer answer, IReadOnlyList<OfferQuantity> offers)
    {
        if (!answer.Ok) return CommandReport.AllSet;
        var failed = new Dictionary<string, string>(StringComparer.Ordinal);
        var (parent, own) = Together(offers);
        var sent = own.Select(o => Whole(parent, o.Offer)).ToHashSet(StringComparer.Ordinal);
        foreach (var other in offers.Where(o => !sent.Contains(o.Offer))) failed[other.Offer] = Elsewhere;
        if (CallFor(parent).Failed is { } map && answer.Body is not null && ShopReader.At(JsonSerializer.SerializeToElement(answer.Body), map.Items) is { ValueKind: JsonValueKind.Array } items)
            foreach (var item in items.EnumerateArray())
                if (ShopReader.Text(item, map.Id) is { } offer && ShopReader.Text(item, map.Error) is { } why) failed[Whole(parent, offer)] = why;
        return failed.Count == 0 ? CommandReport.AllSet : new CommandReport(CommandState.Finished, failed);
    }

    private static string Whole(string? parent, string own) => parent is null ? own : $"{parent}/{own}";
    private static string InParent(string url, string? parent) => parent is null ? url : url.Replace("{parent}", Uri.EscapeDataString(parent), StringComparison.Ordinal);

    public Task<(CallAnswer Answer, CommandReport? Report)> LookAsync(Guid command, int offers, CancellationToken ct) => throw new NotSupportedException("a shop's answer tells all");

    public async Task<(CallAnswer Answer, ShownPage? Page)> ReadAsync(IReadOnlyList<string> offers, string? from, int batch, CancellationToken ct)
    {
        var start = from is null ? 0 : int.Parse(from, CultureInfo.InvariantCulture);
        // The same order for every page: first what has no parent, then parent by parent.
        string[] all = [.. offers.Where(o => ReadFor(PathOf(o).Parent) is not null).OrderBy(o => PathOf(o).Parent ?? "", StringComparer.Ordinal)];
        if (start >= all.Length) return (new CallAnswer(CallResult.Done, null, null, null, null, default), new ShownPage([], null));
        var parent = PathOf(all[start]).Parent;
        string[] asked = [.. all.Skip(start).Take(batch).TakeWhile(o => PathOf(o).Parent == parent).Select(o => PathOf(o).Own)];
        var read = ReadFor(parent)!;
        var url = InParent(read.Url!, parent).Replace("{offers}", string.Join(',', asked.Select(Uri.EscapeDataString)), StringComparison.Ordinal);
        var answer = await calls.SendAsync(account, forStock: true, () => Request(HttpMethod.Get, url, _set), ct);
        // That a product is not there any more says nothing about the others.
        if (!answer.Ok && (parent is null || answer.Result != CallResult.Missing)) return (answer, null);
        var shown = new List<ShownOffer>();
        if (answer.Body is { } body && ShopReader.At(JsonSerializer.SerializeToElement(body), read.Items) is { ValueKind: JsonValueKind.Array } items)
            foreach (var item in items.EnumerateArray())
                if (ShopReader.Text(item, read.Offer) is { } offer)
                    shown.Add(new ShownOffer(Whole(parent, offer), null, long.TryParse(ShopReader.Text(item, read.Quantity), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var units) ? units : null));
        return (answer, new ShownPage(shown, start + asked.Length < all.Length ? (start + asked.Length).ToString(CultureInfo.InvariantCulture) : null));
    }

    private ShopStockRead? ReadFor(string? parent) => parent is null ? mapping.Read : mapping.Variations!.Read;

    private HttpRequestMessage Request(HttpMethod method, string url, ShopStockCall call)
    {
        var request = new HttpRequestMessage(method, url);
        if (secrets.Token is { } token) request.Headers.TryAddWithoutValidation(call.AuthHeader ?? _set.AuthHeader ?? "Authorization", token);
        return request;
    }

    private static JsonNode? Node(JsonElement element) => JsonNode.Parse(element.GetRawText());

    private static JsonNode? Fill(JsonNode? node, OfferQuantity offer, string? parent, JsonArray? items) => JsonTemplate.Fill(node, text => text switch
    {
        "{items}" => items,
        "{quantity}" => JsonValue.Create(offer.Quantity),
        "{offer_number}" when long.TryParse(offer.Offer, NumberStyles.None, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        "{parent_number}" when long.TryParse(parent, NumberStyles.None, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        _ => JsonValue.Create(text.Replace("{offer}", offer.Offer, StringComparison.Ordinal).Replace("{parent}", parent ?? "", StringComparison.Ordinal).Replace("{quantity}", offer.Quantity.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)),
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
