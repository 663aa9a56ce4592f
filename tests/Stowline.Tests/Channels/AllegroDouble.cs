using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Stowline.Tests.Channels;

/// <summary>How a call goes wrong.</summary>
public enum Fault
{
    None,
    /// <summary>Not carried out.</summary>
    Error500,
    TooMany,
    /// <summary>Carried out, and the answer never arrives.</summary>
    LostAfter,
}

/// <summary>
/// Allegro as a test plays it, on a real port: media types, tokens that end and are renewed once, commands that are known by their id, answered with zeros and carried out later, events
/// and checkout forms as the test lays them down; and misbehaving in every way that the test asks for.
/// </summary>
public sealed class AllegroDouble : IAsyncDisposable
{
    private const string Media = "application/vnd.allegro.public.v1+json";
    private readonly WebApplication _app;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Command> _commands = [];
    private readonly Dictionary<string, long> _stock = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _skus = new(StringComparer.Ordinal);
    private readonly List<DateTimeOffset> _calls = [];
    private int _tokens;

    private sealed record Command(string Id, long Value, IReadOnlyList<string> Offers, DateTimeOffset At) { public bool Done { get; set; } }

    private AllegroDouble(WebApplication app, TimeProvider time) => (_app, _time) = (app, time);

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>What goes wrong with a call; asked with method and path.</summary>
    public Func<string, string, Fault> Misbehaves { get; set; } = (_, _) => Fault.None;

    /// <summary>From being taken to being carried out.</summary>
    public TimeSpan Slowness { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>What is shown of an offer instead of the truth.</summary>
    public Func<string, long, long> Shows { get; set; } = (_, quantity) => quantity;

    /// <summary>Offers that it refuses to change.</summary>
    public HashSet<string> Refuses { get; } = [];
    public string RefreshToken { get; private set; } = "refresh-0";
    public string AccessToken { get; private set; } = "";
    public DateTimeOffset AccessUntil { get; private set; }
    public int Renewals => _tokens;

    public List<JsonObject> Events { get; } = [];
    public Dictionary<string, JsonNode> Forms { get; } = [];
    /// <summary>How often a form is still answered with 404.</summary>
    public Dictionary<string, int> NotYet { get; } = [];

    /// <summary>What was set, in the order in which it was.</summary>
    public List<(string Offer, long Quantity)> Set { get; } = [];
    public List<string> Puts { get; } = [];

    /// <summary>The status of each form as it was set, in the order in which it was.</summary>
    public List<(string Form, string Status)> Fulfillment { get; } = [];

    /// <summary>The parcels of forms.</summary>
    public List<(string Form, string Carrier, string? Name, string Waybill)> Shipments { get; } = [];

    /// <summary>The line items that each parcel names, in the order of <see cref="Shipments"/>; empty: those of the whole form.</summary>
    public List<IReadOnlyList<string>> ShippedItems { get; } = [];
    public int MostPerMinute { get; private set; }
    public int Calls { get; private set; }

    public long StockOf(string offer) { lock (_gate) return _stock.GetValueOrDefault(offer, -1); }
    public void Offer(string offer, string? sku, long quantity) { lock (_gate) { _stock[offer] = quantity; if (sku is not null) _skus[offer] = sku; } }

    public static async Task<AllegroDouble> StartAsync(TimeProvider time)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var allegro = new AllegroDouble(app, time);
        app.Run(allegro.TakeAsync);
        await app.StartAsync();
        return allegro;
    }

    private async Task TakeAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        var text = await reader.ReadToEndAsync();
        var path = http.Request.Path.Value!;
        (int Status, JsonNode? Body) answer;
        Fault fault;
        lock (_gate)
        {
            var now = _time.GetUtcNow();
            Calls++;
            _calls.Add(now);
            _calls.RemoveAll(c => c <= now - TimeSpan.FromMinutes(1));
            MostPerMinute = Math.Max(MostPerMinute, _calls.Count);
            fault = Misbehaves(http.Request.Method, path);
            answer = fault switch
            {
                Fault.Error500 => (500, null),
                Fault.TooMany => (429, null),
                Fault.None or Fault.LostAfter => path == "/auth/oauth/token" ? Token(http, text) : !IsAllowed(http) ? (401, null) : Answer(http, path, text),
                _ => throw new InvalidOperationException(),
            };
        }
        if (fault == Fault.LostAfter) { http.Abort(); return; }
        http.Response.StatusCode = answer.Status;
        if (answer.Body is null) return;
        http.Response.ContentType = Media;
        await http.Response.WriteAsync(answer.Body.ToJsonString());
    }

    private (int, JsonNode?) Token(HttpContext http, string form)
    {
        var basic = "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("the-client:the-secret"));
        if (http.Request.Headers.Authorization != basic || !form.Contains("grant_type=refresh_token", StringComparison.Ordinal) || !form.Contains("refresh_token=" + RefreshToken, StringComparison.Ordinal))
            return (400, JsonNode.Parse("""{"error":"invalid_grant"}"""));
        _tokens++;
        (AccessToken, RefreshToken, AccessUntil) = ($"access-{_tokens}", $"refresh-{_tokens}", _time.GetUtcNow().AddHours(12));
        return (200, new JsonObject { ["access_token"] = AccessToken, ["refresh_token"] = RefreshToken, ["token_type"] = "bearer", ["expires_in"] = 43_199 });
    }

    private bool IsAllowed(HttpContext http) => http.Request.Headers.Authorization == "Bearer " + AccessToken && AccessUntil > _time.GetUtcNow();

    private (int, JsonNode?) Answer(HttpContext http, string path, string body)
    {
        if (http.Request.Headers.Accept != Media) return (406, null);
        WorkOff();
        var query = http.Request.Query;
        const string commands = "/sale/offer-quantity-change-commands/";
        if (path.StartsWith(commands, StringComparison.Ordinal))
        {
            var id = path[commands.Length..].Split('/')[0];
            if (http.Request.Method == "PUT") return http.Request.ContentType == Media ? Put(id, JsonNode.Parse(body)!) : (415, null);
            if (!_commands.TryGetValue(id, out var command)) return (404, null);
            return (200, path.EndsWith("/tasks", StringComparison.Ordinal) ? Tasks(command) : Summary(command));
        }
        return path switch
        {
            "/sale/offers" => (200, Offers(int.Parse(query["limit"]!, CultureInfo.InvariantCulture), int.Parse(query["offset"]!, CultureInfo.InvariantCulture))),
            "/order/event-stats" => (200, new JsonObject { ["latestEvent"] = Events.Count == 0 ? null : new JsonObject { ["id"] = Events[^1]["id"]!.ToString() } }),
            "/order/events" => (200, new JsonObject { ["events"] = new JsonArray([.. Events.Where(e => After(e, query["from"].ToString())).Take(int.Parse(query["limit"]!, CultureInfo.InvariantCulture)).Select(e => e.DeepClone())]) }),
            "/order/checkout-forms" => (200, List(query)),
            _ when path.EndsWith("/fulfillment", StringComparison.Ordinal) => Fulfill(http, path.Split('/')[3], body),
            _ when path.EndsWith("/shipments", StringComparison.Ordinal) => Ship(http, path.Split('/')[3], body),
            _ when path.StartsWith("/order/checkout-forms/", StringComparison.Ordinal) => Form(path["/order/checkout-forms/".Length..]),
            _ => (404, null),
        };
    }

    /// <summary>Events are given after the place of the last one that is named, whatever their ids are.</summary>
    private bool After(JsonObject e, string from) => from.Length == 0 || Events.IndexOf(e) > Events.FindIndex(x => x["id"]!.ToString() == from);

    private (int, JsonNode?) Put(string id, JsonNode body)
    {
        Puts.Add(id);
        var offers = body["offerCriteria"]![0]!["offers"]!.AsArray().Select(o => o!["id"]!.ToString()).ToList();
        if (body["modification"]!["changeType"]!.ToString() != "FIXED" || offers.Count > 1_000) return (422, null);
        // Given twice is given once.
        _commands.TryAdd(id, new Command(id, body["modification"]!["value"]!.GetValue<long>(), offers, _time.GetUtcNow()));
        return (201, new JsonObject { ["id"] = id, ["taskCount"] = new JsonObject { ["total"] = 0, ["success"] = 0, ["failed"] = 0 } });
    }

    private void WorkOff()
    {
        foreach (var command in _commands.Values.Where(c => !c.Done && c.At + Slowness <= _time.GetUtcNow()).OrderBy(c => c.At))
        {
            command.Done = true;
            foreach (var offer in command.Offers.Where(o => _stock.ContainsKey(o) && !Refuses.Contains(o)))
            {
                _stock[offer] = command.Value;
                Set.Add((offer, command.Value));
            }
        }
    }

    private JsonObject Summary(Command command)
    {
        var mine = command.Offers.Where(_stock.ContainsKey).ToList();
        return new JsonObject
        {
            ["id"] = command.Id,
            ["taskCount"] = new JsonObject
            {
                ["total"] = command.Done ? mine.Count : 0, ["success"] = command.Done ? mine.Count(o => !Refuses.Contains(o)) : 0, ["failed"] = command.Done ? mine.Count(Refuses.Contains) : 0,
            },
        };
    }

    private JsonObject Tasks(Command command) => new()
    {
        ["tasks"] = new JsonArray([.. command.Offers.Where(_stock.ContainsKey).Select(o => (JsonNode)new JsonObject
        {
            ["offer"] = new JsonObject { ["id"] = o }, ["status"] = !command.Done ? "NEW" : Refuses.Contains(o) ? "FAIL" : "SUCCESS", ["message"] = Refuses.Contains(o) ? "the offer is frozen" : null,
            ["field"] = "quantity", ["errors"] = new JsonArray(),
        })]),
    };

    private JsonObject Offers(int limit, int offset) => new()
    {
        ["offers"] = new JsonArray([.. _stock.OrderBy(s => s.Key, StringComparer.Ordinal).Skip(offset).Take(limit).Select(s => (JsonNode)new JsonObject
        {
            ["id"] = s.Key, ["external"] = _skus.TryGetValue(s.Key, out var sku) ? new JsonObject { ["id"] = sku } : null, ["stock"] = new JsonObject { ["available"] = Shows(s.Key, s.Value) },
        })]),
        ["count"] = Math.Min(limit, Math.Max(0, _stock.Count - offset)), ["totalCount"] = _stock.Count,
    };

    private JsonObject List(IQueryCollection query)
    {
        var ready = Forms.Values.Where(f => f["status"]!.ToString() == query["status"].ToString()).ToList();
        var offset = int.Parse(query["offset"]!, CultureInfo.InvariantCulture);
        return new JsonObject { ["checkoutForms"] = new JsonArray([.. ready.Skip(offset).Take(int.Parse(query["limit"]!, CultureInfo.InvariantCulture)).Select(f => f.DeepClone())]), ["totalCount"] = ready.Count };
    }

    private (int, JsonNode?) Form(string id)
    {
        if (NotYet.TryGetValue(id, out var times) && times > 0)
        {
            NotYet[id] = times - 1;
            return (404, null);
        }
        return Forms.TryGetValue(id, out var form) ? (200, form.DeepClone()) : (404, null);
    }

    private (int, JsonNode?) Fulfill(HttpContext http, string form, string body)
    {
        string[] known = ["NEW", "PROCESSING", "READY_FOR_SHIPMENT", "READY_FOR_PICKUP", "SENT", "PICKED_UP", "CANCELLED", "SUSPENDED", "RETURNED"];
        if (http.Request.Method != "PUT" || http.Request.ContentType != Media) return (415, null);
        if (JsonNode.Parse(body)!["status"]?.ToString() is not { } status || !known.Contains(status)) return (422, null);
        if (Refuses.Contains(form)) return (422, JsonNode.Parse("""{"errors":[{"code":"VALIDATION_ERROR","message":"the order is closed"}]}"""));
        Fulfillment.Add((form, status));
        return (204, null);
    }

    /// <summary>Every call makes one more parcel.</summary>
    private (int, JsonNode?) Ship(HttpContext http, string form, string body)
    {
        if (http.Request.Method == "GET")
            return (200, new JsonObject { ["shipments"] = new JsonArray([.. Shipments.Zip(ShippedItems).Where(s => s.First.Form == form).Select(s => (JsonNode)new JsonObject
            {
                ["waybill"] = s.First.Waybill, ["carrierId"] = s.First.Carrier, ["lineItems"] = new JsonArray([.. s.Second.Select(i => (JsonNode)new JsonObject { ["id"] = i })]),
            })]) });
        if (http.Request.Method != "POST" || http.Request.ContentType != Media) return (415, null);
        var parcel = JsonNode.Parse(body)!;
        if (parcel["carrierId"]?.ToString() is not { } carrier || parcel["waybill"]?.ToString() is not { Length: > 0 } waybill || carrier == "OTHER" && parcel["carrierName"] is null) return (422, null);
        ShippedItems.Add([.. (parcel["lineItems"] as JsonArray ?? []).Select(i => i!["id"]!.ToString())]);
        Shipments.Add((form, carrier, parcel["carrierName"]?.ToString(), waybill));
        return (201, new JsonObject { ["id"] = $"s{Shipments.Count}", ["waybill"] = waybill, ["carrierId"] = carrier });
    }

    /// <summary>Lays an event down.</summary>
    public void Happens(string id, string type, string form)
    {
        lock (_gate)
            Events.Add(new JsonObject { ["id"] = id, ["type"] = type, ["occurredAt"] = "2026-01-05T08:00:00.000Z", ["order"] = new JsonObject { ["checkoutForm"] = new JsonObject { ["id"] = form } } });
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }
}
