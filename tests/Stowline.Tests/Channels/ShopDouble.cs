using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Stowline.Tests.Channels;

/// <summary>A shop as a test plays it, on a real port, misbehaving in every way that the test asks for. What it knows and how it answers, the kinds of shops say.</summary>
public abstract class ShopDouble : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _gate = new();

    protected ShopDouble()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(TakeAsync);
    }

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>What goes wrong with a call; asked with method and path.</summary>
    public Func<string, string, Fault> Misbehaves { get; set; } = (_, _) => Fault.None;

    public Task StartAsync() => _app.StartAsync();

    /// <summary>The header that the shop's token comes in.</summary>
    protected abstract string TokenHeader { get; }

    /// <param name="path">Its segments below the API's own.</param>
    protected abstract (int Status, JsonNode? Body) Answer(string method, string[] path, JsonNode? body);

    private async Task TakeAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        var text = await reader.ReadToEndAsync();
        (int Status, JsonNode? Body) answer;
        Fault fault;
        lock (_gate)
        {
            fault = Misbehaves(http.Request.Method, http.Request.Path.Value!);
            answer = fault switch
            {
                Fault.Error500 => (500, null),
                Fault.TooMany => (429, null),
                Fault.None or Fault.LostAfter => http.Request.Headers[TokenHeader] != "token-1" ? (401, null)
                    : Answer(http.Request.Method, http.Request.Path.Value!.Split('/')[4..], text.Length > 0 ? JsonNode.Parse(text) : null),
                _ => throw new InvalidOperationException(),
            };
        }
        if (fault == Fault.LostAfter) { http.Abort(); return; }
        http.Response.StatusCode = answer.Status;
        if (answer.Body is null) return;
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(answer.Body.ToJsonString());
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>
/// Shopify's Admin API as documented, for one order: its fulfillment orders say what is still to be sent, and a fulfillment takes units out of their lines, never more than there are, and of
/// one location only.
/// </summary>
public sealed class ShopifyDouble(JsonNode order) : ShopDouble
{
    private sealed record Line(long Id, long Group, long OrderLine, long Location) { public long Left { get; set; } }

    private readonly List<Line> _lines = [];

    protected override string TokenHeader => "X-Shopify-Access-Token";

    /// <summary>The parcels: number, carrier and what is in each, by the order's lines.</summary>
    public List<(string Number, string Carrier, IReadOnlyDictionary<long, long> Lines)> Fulfillments { get; } = [];

    /// <summary>Everything of the order is to be sent from one location, in one fulfillment order.</summary>
    public void Route(long group, long location, params long[] orderLines)
    {
        foreach (var line in orderLines)
            _lines.Add(new Line(1_000 + _lines.Count, group, line, location) { Left = OrderLines.Single(l => l["id"]!.GetValue<long>() == line)["quantity"]!.GetValue<long>() });
    }

    private IEnumerable<JsonNode> OrderLines => order["order"]!["line_items"]!.AsArray().OfType<JsonNode>();
    private string Id => order["order"]!["id"]!.ToString();

    protected override (int Status, JsonNode? Body) Answer(string method, string[] path, JsonNode? body) => (method, path) switch
    {
        ("GET", ["orders", var file]) => file == Id + ".json" ? (200, order.DeepClone()) : (404, null),
        ("GET", ["orders", var id, "fulfillment_orders.json"]) => id == Id ? (200, new JsonObject { ["fulfillment_orders"] = new JsonArray([.. _lines.GroupBy(l => l.Group).Select(Group)]) }) : (404, null),
        ("GET", ["orders", var id, "fulfillments.json"]) => id == Id ? (200, new JsonObject { ["fulfillments"] = new JsonArray([.. Fulfillments.Select(f => (JsonNode)Shown(f.Number, f.Carrier))]) }) : (404, null),
        ("POST", ["fulfillments.json"]) => Fulfill(body!["fulfillment"]!),
        ("POST", ["inventory_levels", "set.json"]) => (200, new JsonObject()),
        _ => (404, null),
    };

    private JsonObject Shown(string number, string carrier) => new() { ["order_id"] = long.Parse(Id, null), ["status"] = "success", ["tracking_company"] = carrier, ["tracking_number"] = number, ["tracking_numbers"] = new JsonArray(number) };

    private static JsonNode Group(IGrouping<long, Line> lines) => new JsonObject
    {
        ["id"] = lines.Key, ["assigned_location_id"] = lines.First().Location, ["status"] = lines.All(l => l.Left == 0) ? "closed" : "open",
        ["line_items"] = new JsonArray([.. lines.Select(l => (JsonNode)new JsonObject { ["id"] = l.Id, ["fulfillment_order_id"] = l.Group, ["line_item_id"] = l.OrderLine, ["fulfillable_quantity"] = l.Left })]),
    };

    private (int, JsonNode?) Fulfill(JsonNode wanted)
    {
        var taken = new List<(Line Line, long Units)>();
        foreach (var group in wanted["line_items_by_fulfillment_order"]!.AsArray())
            foreach (var item in group!["fulfillment_order_line_items"]!.AsArray())
            {
                var line = _lines.Find(l => l.Id == item!["id"]!.GetValue<long>() && l.Group == group["fulfillment_order_id"]!.GetValue<long>());
                var units = item!["quantity"]!.GetValue<long>();
                if (line is null || units < 1 || units > line.Left) return (422, JsonNode.Parse("""{"errors":["Invalid fulfillment order line item quantity requested."]}"""));
                taken.Add((line, units));
            }
        if (taken.Count == 0 || taken.Select(t => t.Line.Location).Distinct().Count() > 1) return (422, JsonNode.Parse("""{"errors":["All fulfillment orders must have the same location."]}"""));
        foreach (var (line, units) in taken) line.Left -= units;
        var (number, carrier) = (wanted["tracking_info"]!["number"]!.ToString(), wanted["tracking_info"]!["company"]!.ToString());
        Fulfillments.Add((number, carrier, taken.ToDictionary(t => t.Line.OrderLine, t => t.Units)));
        return (201, new JsonObject { ["fulfillment"] = Shown(number, carrier) });
    }
}

/// <summary>WooCommerce's REST API as documented, as far as an order's status and notes go.</summary>
public sealed class WooDouble : ShopDouble
{
    protected override string TokenHeader => "Authorization";

    /// <summary>The status of orders as it was set, in the order in which it was.</summary>
    public List<(string Order, string Status)> Statuses { get; } = [];
    public List<(string Order, string Note, bool ForCustomer)> Notes { get; } = [];

    protected override (int Status, JsonNode? Body) Answer(string method, string[] path, JsonNode? body)
    {
        switch ((method, path))
        {
            case ("PUT", ["orders", var id]):
                Statuses.Add((id, body!["status"]!.ToString()));
                return (200, new JsonObject { ["id"] = id });
            case ("POST", ["orders", var id, "notes"]):
                Notes.Add((id, body!["note"]!.ToString(), body["customer_note"]!.GetValue<bool>()));
                return (201, new JsonObject { ["id"] = Notes.Count });
            case ("GET", ["orders", var id, "notes"]):
                return (200, new JsonArray([.. Notes.Where(n => n.Order == id).Select((n, i) => (JsonNode)new JsonObject { ["id"] = i, ["note"] = n.Note, ["customer_note"] = n.ForCustomer })]));
            default:
                return (404, null);
        }
    }
}
