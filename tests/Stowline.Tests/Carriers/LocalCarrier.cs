using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Stowline.Tests.Carriers;

/// <summary>What goes wrong with one purchase. Those that end with After take the parcel first.</summary>
public enum Trouble { None, TooMany, ServerError, ServerErrorAfter, NonsenseAfter, CutAfter, HangAfter, Forbidden, Refused }

/// <summary>A parcel as the carrier has it.</summary>
public sealed record TakenParcel(string Reference, string Number, JsonNode Request)
{
    public bool Cancelled { get; set; }
    public string State { get; set; } = "";
}

/// <summary>A request as it came.</summary>
public sealed record CarrierRequest(string Method, string Path, IQueryCollection Query, IHeaderDictionary Headers, byte[] Raw, JsonNode? Body)
{
    public string Bearer => Headers.Authorization.ToString();
    public string Basic => Encoding.UTF8.GetString(Convert.FromBase64String(Bearer["Basic ".Length..]));
}

/// <summary>
/// A carrier on a free loopback port that behaves as its documentation says: it checks every request, takes a reference once, and misbehaves on purpose. What a request had wrong stands in
/// <see cref="Wrong"/>, which a test expects to be empty.
/// </summary>
public abstract class LocalCarrier : IAsyncDisposable
{
    private WebApplication _app = null!;
    private readonly Lock _gate = new();
    private readonly List<string> _log = [];
    private readonly List<string> _wrong = [];
    private TaskCompletionSource _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);

    protected Dictionary<string, TakenParcel> ByReference { get; } = new(StringComparer.Ordinal);

    /// <summary>For the next purchases, one each.</summary>
    public Queue<Trouble> Troubles { get; } = new();

    /// <summary>What is answered to an operation instead.</summary>
    public Func<string, (int Status, string Body)?> Instead { get; set; } = _ => null;

    /// <summary>Nobody answers at all.</summary>
    public bool Dead { get; set; }

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
    public IReadOnlyList<string> Wrong { get { lock (_gate) return [.. _wrong]; } }
    public IReadOnlyList<TakenParcel> Parcels { get { lock (_gate) return [.. ByReference.Values]; } }

    /// <summary>What was asked, in order: <c>create</c>, <c>find</c> and so on.</summary>
    public string Log { get { lock (_gate) return string.Join(' ', _log); } }

    /// <summary>Completes when a purchase has been taken.</summary>
    public Task Taken => _taken.Task;

    public async Task<LocalCarrier> OpenAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync();
        return this;
    }

    private async Task AnswerAsync(HttpContext http)
    {
        using var stream = new MemoryStream();
        await http.Request.Body.CopyToAsync(stream);
        var raw = stream.ToArray();
        var request = new CarrierRequest(http.Request.Method, http.Request.Path, http.Request.Query, http.Request.Headers, raw, raw.Length == 0 ? null : JsonNode.Parse(raw));
        if (Dead)
        {
            http.Abort();
            return;
        }
        string operation;
        (int Status, string Body) answer;
        var trouble = Trouble.None;
        lock (_gate)
        {
            operation = OperationOf(request);
            _log.Add(operation);
            if (operation == "create") Troubles.TryDequeue(out trouble);
            answer = trouble is Trouble.TooMany or Trouble.ServerError or Trouble.Forbidden or Trouble.Refused ? (0, "") : Instead(operation) ?? Answer(operation, request);
        }
        if (operation == "create" && answer.Status != 0) _taken.TrySetResult();
        await WriteAsync(http, trouble, operation, answer);
    }

    private async Task WriteAsync(HttpContext http, Trouble trouble, string operation, (int Status, string Body) answer)
    {
        switch (trouble)
        {
            case Trouble.TooMany:
                http.Response.StatusCode = 429;
                http.Response.Headers.RetryAfter = "40";
                break;
            case Trouble.Forbidden: http.Response.StatusCode = 403; break;
            case Trouble.Refused: http.Response.StatusCode = 400; break;
            case Trouble.ServerError or Trouble.ServerErrorAfter: http.Response.StatusCode = 500; break;
            case Trouble.NonsenseAfter: await http.Response.WriteAsync("<html>welcome</html>"); break;
            case Trouble.CutAfter: http.Abort(); break;
            case Trouble.HangAfter: await Task.Run(http.RequestAborted.WaitHandle.WaitOne); break;
            case Trouble.None:
                http.Response.StatusCode = answer.Status;
                http.Response.ContentType = operation == "picture" ? "application/octet-stream" : "application/json";
                await http.Response.WriteAsync(answer.Body);
                break;
        }
    }

    protected abstract string OperationOf(CarrierRequest request);

    /// <summary>What the carrier does and answers.</summary>
    protected abstract (int Status, string Body) Answer(string operation, CarrierRequest request);

    /// <summary>A request that is not as documented is answered, but remembered.</summary>
    protected void Must(bool right, string what)
    {
        if (!right) _wrong.Add(what);
    }

    protected static string Text(JsonNode? node, params object[] path)
    {
        foreach (var step in path) node = step is int i ? node is JsonArray a && i < a.Count ? a[i] : null : node is JsonObject o ? o[(string)step] : null;
        return node switch { null => "", JsonValue v when v.TryGetValue<string>(out var text) => text, _ => node.ToJsonString() };
    }

    protected static JsonNode? At(JsonNode? node, params object[] path)
    {
        foreach (var step in path) node = step is int i ? node?[i] : node?[(string)step];
        return node;
    }

    /// <summary>Takes a reference, once.</summary>
    protected (TakenParcel Parcel, bool IsNew) Take(string reference, string number, JsonNode request)
    {
        Must(reference.Length > 0, "the reference is missing");
        if (ByReference.TryGetValue(reference, out var known)) return (known, false);
        return (ByReference[reference] = new TakenParcel(reference, number, request.DeepClone()), true);
    }

    protected TakenParcel? Find(string number) => ByReference.Values.FirstOrDefault(p => p.Number == number || p.Reference == number);

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(2)); // a test may leave requests hanging
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }
}

/// <summary>YunExpress's OMS API: references are taken once, <c>GetOrder</c> finds them, labels are behind an address.</summary>
public sealed class YunDouble : LocalCarrier
{
    public const string Pdf = "%PDF-1.4 label of ";

    protected override string OperationOf(CarrierRequest r) => r.Path switch
    {
        "/api/WayBill/CreateOrder" => "create", "/api/WayBill/GetOrder" => "find", "/api/Label/Print" => "label", "/api/Tracking/GetTrackInfo" => "track", "/api/WayBill/Delete" => "cancel",
        "/api/Freight/GetPriceTrial" => "rate", _ when r.Path.StartsWith("/labels/", StringComparison.Ordinal) => "picture", _ => "unknown " + r.Path,
    };

    protected override (int, string) Answer(string operation, CarrierRequest r)
    {
        if (operation != "picture") Must(r.Basic == "C1&yun-secret", $"{operation}: the credentials are {r.Bearer}");
        else Must(r.Bearer.Length == 0, "the credentials were sent to where the label lies");
        return operation switch
        {
            "create" => Create(r.Body!),
            "find" => Find(r.Query["OrderNumber"].ToString()) is { } p ? (200, $$"""{"Code":"0000","Message":"ok","Item":{"WayBillNumber":"{{p.Number}}","CustomerOrderNumber":"{{p.Reference}}","TrackingNumber":null,"Status":3} }""")
                : (200, """{"Code":"1006","Message":"no data","Item":null}"""),
            "label" => (200, $$"""{"Code":"0000","Item":[{"Url":"{{Url}}/labels/{{Text(r.Body, 0)}}.pdf","LabelType":2}]}"""),
            "picture" => (200, Pdf + r.Path["/labels/".Length..]),
            "track" => Find(r.Query["OrderNumber"].ToString()) is { State.Length: > 0 } q ? (200, $$"""{"Code":"0000","Item":{"WayBillNumber":"{{q.Number}}","PackageState":{{q.State.Split('/')[0]}},"TrackingStatus":{{(q.State.Contains('/') ? q.State.Split('/')[1] : "20")}},"OrderTrackingDetails":[]} }""")
                : (200, """{"Code":"0000","Item":null}"""),
            "cancel" => Cancel(r.Body!),
            "rate" => (200, $$"""{"Code":"0000","Items":[{"Code":"FAST","EName":"Fast","TotalFee":88.5,"Currency":"CNY","DeliveryDays":"3-5"},{"Code":"SLOW","EName":"Slow","TotalFee":31.07,"DeliveryDays":"10-20"}],"Asked":"{{r.Query["CountryCode"]}} {{r.Query["Weight"]}}"}"""),
            _ => (404, "{}"),
        };
    }

    private (int, string) Create(JsonNode body)
    {
        var order = At(body, 0)!;
        foreach (var name in new[] { "CustomerOrderNumber", "ShippingMethodCode" }) Must(Text(order, name).Length > 0, name + " is missing");
        Must(At(order, "PackageCount") is JsonValue c && c.TryGetValue<int>(out var count) && count > 0, "PackageCount is no positive number");
        Must(At(order, "Weight") is JsonValue w && w.TryGetValue<decimal>(out var weight) && weight > 0, "Weight is no number of kilograms");
        foreach (var name in new[] { "CountryCode", "LastName", "Street", "City", "Zip" }) Must(Text(order, "Receiver", name).Length > 0, $"Receiver.{name} is missing");
        foreach (var name in new[] { "EName", "Quantity", "UnitPrice", "UnitWeight", "CurrencyCode" }) Must(Text(order, "Parcels", 0, name).Length > 0, $"Parcels[0].{name} is missing");
        var (parcel, isNew) = Take(Text(order, "CustomerOrderNumber"), $"YT{2_000_000 + ByReference.Count}", order);
        return isNew ? (200, $$"""{"Code":"0000","Message":"ok","Item":[{"CustomerOrderNumber":"{{parcel.Reference}}","Success":1,"WayBillNumber":"{{parcel.Number}}","TrackingNumber":null}]}""")
            : (200, $$"""{"Code":"2004","Message":"failed","Item":[{"CustomerOrderNumber":"{{parcel.Reference}}","Success":0,"Remark":"order number repeated"}]}""");
    }

    private (int, string) Cancel(JsonNode body)
    {
        Must(Text(body, "OrderType") == "1", "OrderType is not that of waybill numbers");
        if (Find(Text(body, "OrderNumber")) is not { } parcel) return (200, """{"Code":"5011","Message":"order not found"}""");
        parcel.Cancelled = true;
        return (200, """{"Code":"0000","Message":"ok"}""");
    }
}

/// <summary>The user's own delivery service (source 2 §6.2): addresses of orders, and shipments.</summary>
public sealed class DeliveryDouble : LocalCarrier
{
    /// <summary>The order's number → its address.</summary>
    public Dictionary<string, string> Addresses { get; } = new(StringComparer.Ordinal);

    protected override string OperationOf(CarrierRequest r) => r.Path.StartsWith("/api/v1/delivery/addresses/order/", StringComparison.Ordinal) ? "address" : r.Path == "/api/v1/shipments" ? "create" : "unknown " + r.Path;

    protected override (int, string) Answer(string operation, CarrierRequest r)
    {
        Must(r.Bearer == "Bearer delivery-token", "the token is " + r.Bearer);
        if (operation == "address") return Addresses.TryGetValue(r.Path[(r.Path.LastIndexOf('/') + 1)..], out var address) ? (200, address) : (404, """{"error":"not found"}""");
        foreach (var name in new[] { "order_id", "warehouse_id" }) Must(At(r.Body, name)?.GetValueKind() == System.Text.Json.JsonValueKind.Number && long.TryParse(Text(r.Body, name), out var id) && id > 0, name + " is no BIGINT");
        foreach (var name in new[] { "weight", "length", "width", "height" }) Must(At(r.Body, "package", name)?.GetValueKind() == System.Text.Json.JsonValueKind.Number, $"package.{name} is no number");
        Must(Text(r.Body, "provider").Length > 0, "provider is missing");
        foreach (var side in new[] { "from_address", "to_address" })
            foreach (var name in new[] { "street", "city", "postal_code", "country", "contact_name" }) Must(Text(r.Body, side, name).Length > 0, $"{side}.{name} is missing");
        var (parcel, _) = Take(r.Headers["Idempotency-Key"].ToString(), $"DS{700 + ByReference.Count}", r.Body!);
        return (201, $$"""{"id":71,"tracking_number":"{{parcel.Number}}","label_url":"","provider":"post_express","status":"confirmed","estimated_delivery":"2026-01-09T12:00:00Z"}""");
    }
}
