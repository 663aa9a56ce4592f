using System.Text.Json;
using System.Text.Json.Nodes;

namespace Stowline.Server.Smoke;

/// <summary>One step of the journey. <see cref="Problem"/> is null where it went well.</summary>
internal sealed record SmokeStep(string Name, long Milliseconds, string? Problem);

/// <summary>
/// The critical journey on a live installation (H8): goods come in, an order is taken, picked, packed and shipped, another one is cancelled, one is
/// refused. All of it at a site and with a product of its own, so that nobody's goods are promised or moved. At the end, also after a failure, what is open is
/// cancelled, the stock taken out, and the site switched off. What happened stays in the log, as everything does.
/// </summary>
internal sealed class SmokeRun(SmokeCalls calls, TimeProvider time, string site, Action<string> progress)
{
    private const string Sku = "STOWLINE-SMOKE";
    private const string Bin = "SMOKE-01";
    private const string Channel = "smoke";

    private readonly List<SmokeStep> _steps = [];
    private readonly List<string> _orders = [];

    public IReadOnlyList<SmokeStep> Steps => _steps;
    public bool Ok => _steps.Count > 0 && _steps.All(s => s.Problem is null);

    public async Task RunAsync(CancellationToken ct)
    {
        try
        {
            await JourneyAsync(ct);
        }
        finally
        {
            // Whoever stops the command wants a clean installation all the more.
            await DoAsync("clean up", CleanUpAsync, CancellationToken.None);
        }
    }

    private async Task JourneyAsync(CancellationToken ct)
    {
        (string Name, Func<CancellationToken, Task> Step)[] journey =
        [
            ("ready", ReadyAsync), ("site, bin and product", SetUpAsync), ("receive goods", ReceiveAsync), ("place an order", PlaceAsync), ("the same order again is the same", AgainAsync),
            ("too large an order is refused", RefusedAsync), ("pick", PickAsync), ("pack and ship", ShipAsync), ("the order is shipped, its timeline whole", ShippedAsync),
            ("cancel an order", CancelAsync),
        ];
        foreach (var (name, step) in journey)
            if (!await DoAsync(name, step, ct)) return;
    }

    private async Task<bool> DoAsync(string name, Func<CancellationToken, Task> step, CancellationToken ct)
    {
        var began = time.GetTimestamp();
        string? problem = null;
        try
        {
            await step(ct);
        }
        catch (Exception e) when (e is SmokeException or JsonException or KeyNotFoundException or InvalidOperationException or IndexOutOfRangeException)
        {
            problem = e is SmokeException ? e.Message : $"an answer is not as described: {e.Message}";
        }
        var done = new SmokeStep(name, (long)time.GetElapsedTime(began).TotalMilliseconds, problem);
        _steps.Add(done);
        progress($"{(problem is null ? "ok    " : "FAILED")} {done.Milliseconds,6} ms  {name}{(problem is null ? "" : ": " + problem)}");
        return problem is null;
    }

    private async Task ReadyAsync(CancellationToken ct)
    {
        var (status, text) = await calls.SendAsync(HttpMethod.Get, "/health/ready", null, ct);
        if (status != 200) throw new SmokeException($"/health/ready answers {status}: {text}");
    }

    private async Task SetUpAsync(CancellationToken ct)
    {
        await calls.PutAsync($"sites/{site}", Site(active: true), ct);
        await calls.PutAsync($"sites/{site}/zones/SMOKE", new JsonObject { ["type"] = "storage" }, ct);
        await calls.PutAsync($"sites/{site}/bins/{Bin}", new JsonObject { ["zone"] = "SMOKE" }, ct);
        await calls.PutAsync($"products/{Sku}", new JsonObject { ["name"] = "Smoke test", ["price"] = new JsonObject { ["amount"] = "1.00", ["currency"] = "EUR" } }, ct);
    }

    private static JsonObject Site(bool active) => new() { ["name"] = "Smoke test", ["type"] = "warehouse", ["active"] = active };

    private async Task ReceiveAsync(CancellationToken ct)
    {
        await calls.PostAsync($"sites/{site}/receipts", new JsonObject { ["reference"] = calls.Run, ["lines"] = new JsonArray(new JsonObject { ["sku"] = Sku, ["quantity"] = 3, ["bin"] = Bin }) }, ct, 201);
        await AvailableAsync(3, ct);
    }

    private Task<object> AvailableAsync(int least, CancellationToken ct) => calls.EventuallyAsync<object>($"{least} units to promise", async () =>
    {
        var item = (await calls.GetAsync($"availability?sku={Sku}", ct)).GetProperty("items")[0];
        return item.GetProperty("available").GetInt64() >= least ? "enough" : null;
    }, ct);

    private JsonObject Order(string name, int quantity) => new()
    {
        ["external_id"] = $"{calls.Run}-{name}", ["channel"] = Channel, ["fulfillment_type"] = "ship", ["customer"] = new JsonObject { ["name"] = "Smoke test" },
        ["ship_to"] = new JsonObject { ["line1"] = "Nowhere 1", ["city"] = "Nowhere", ["country"] = "RS" }, ["lines"] = new JsonArray(new JsonObject { ["sku"] = Sku, ["quantity"] = quantity }),
    };

    private async Task<string> PlaceAsync(string name, CancellationToken ct)
    {
        var order = await calls.PostAsync("orders", Order(name, 1), ct, 201);
        var id = order.GetProperty("id").GetString()!;
        _orders.Add(id);
        var at = order.GetProperty("parts")[0].GetProperty("site").GetString();
        return at == site ? id : throw new SmokeException($"the order went to {at}, not to {site}");
    }

    private Task PlaceAsync(CancellationToken ct) => PlaceAsync("a", ct);

    private async Task AgainAsync(CancellationToken ct)
    {
        var again = (await calls.PostAsync("orders", Order("a", 1), ct, 200)).GetProperty("id").GetString();
        if (again != _orders[0]) throw new SmokeException($"the same order became another one, {again}");
    }

    private async Task RefusedAsync(CancellationToken ct)
    {
        var code = (await calls.PostAsync("orders", Order("b", 900_000), ct, 409)).GetProperty("code").GetString();
        if (code != "insufficient_stock") throw new SmokeException($"it was refused as {code}");
    }

    private Task<string> TaskOfAsync(string tasks, string order, CancellationToken ct) => calls.EventuallyAsync($"one of the {tasks}", async () =>
        (await calls.GetAsync($"{tasks}?order={order}", ct)).GetProperty("items") is var items && items.GetArrayLength() > 0 ? items[0].GetProperty("id").GetString() : null, ct);

    private async Task PickAsync(CancellationToken ct)
    {
        var task = await TaskOfAsync("picking-tasks", _orders[0], ct);
        await calls.PostAsync($"picking-tasks/{task}/assign", new JsonObject { ["worker"] = "smoke" }, ct);
        await calls.PostAsync($"picking-tasks/{task}/start", null, ct);
        var item = await calls.GetAsync($"picking-tasks/{task}/next-item", ct);
        await calls.PostAsync($"picking-tasks/{task}/items/{item.GetProperty("id").GetString()}/pick", new JsonObject { ["quantity"] = 1 }, ct);
        await calls.PostAsync($"picking-tasks/{task}/complete", null, ct);
    }

    private async Task ShipAsync(CancellationToken ct)
    {
        var task = await TaskOfAsync("packing-tasks", _orders[0], ct);
        await calls.PostAsync($"packing-tasks/{task}/start", new JsonObject { ["worker"] = "smoke" }, ct);
        await calls.PostAsync($"packing-tasks/{task}/packages",
            new JsonObject { ["packaging_type"] = "box", ["weight_g"] = 100, ["length_mm"] = 100, ["width_mm"] = 100, ["height_mm"] = 100 }, ct);
        await calls.PostAsync($"packing-tasks/{task}/complete", null, ct);
        var (status, label) = await calls.SendAsync(HttpMethod.Get, $"/api/v1/packing-tasks/{task}/label?format=zpl", null, ct);
        if (status != 200 || !label.Contains("^XA", StringComparison.Ordinal)) throw new SmokeException($"the label is none ({status})");
        await calls.PostAsync($"packing-tasks/{task}/ship", new JsonObject { ["carrier"] = "smoke", ["tracking_number"] = calls.Run }, ct);
    }

    private async Task ShippedAsync(CancellationToken ct)
    {
        await StatusAsync(_orders[0], "shipped", ct);
        var types = (await calls.GetAsync($"orders/{_orders[0]}/timeline", ct)).GetProperty("items").EnumerateArray().Select(i => i.GetProperty("type").GetString()).ToHashSet();
        foreach (var wanted in new[] { "order.placed", "part.assigned", "picking.completed", "packing.completed", "part.shipped" })
            if (!types.Contains(wanted)) throw new SmokeException($"the timeline has no {wanted}");
    }

    private Task<object> StatusAsync(string order, string wanted, CancellationToken ct) => calls.EventuallyAsync<object>($"an order that is {wanted}",
        async () => (await calls.GetAsync($"orders/{order}", ct)).GetProperty("status").GetString() == wanted ? wanted : null, ct);

    private async Task CancelAsync(CancellationToken ct)
    {
        var order = await PlaceAsync("c", ct);
        await calls.PostAsync($"orders/{order}/cancel", new JsonObject { ["reason"] = "smoke test" }, ct);
        await StatusAsync(order, "cancelled", ct);
        await AvailableAsync(2, ct);
    }

    private async Task CleanUpAsync(CancellationToken ct)
    {
        if (_steps is [{ Problem: not null }]) return; // nobody answered: there is nothing to take back
        foreach (var order in _orders) await EndAsync(order, ct);
        foreach (var row in (await calls.GetAsync($"sites/{site}/stock?sku={Sku}", ct)).GetProperty("items").EnumerateArray().Where(r => r.GetProperty("available").GetInt64() > 0))
        {
            await calls.PostAsync($"sites/{site}/adjustments", new JsonObject
            {
                ["sku"] = Sku, ["bin"] = row.GetProperty("bin").GetString(), ["delta"] = -row.GetProperty("available").GetInt64(), ["reason"] = "smoke test", ["reference"] = calls.Run,
            }, ct, 201);
        }
        await calls.PutAsync($"sites/{site}", Site(active: false), ct);
        if ((await calls.GetAsync($"sites/{site}/stock?sku={Sku}", ct)).GetProperty("items").GetArrayLength() > 0) throw new SmokeException($"there is still stock of {Sku} at {site}");
    }

    /// <summary>Cancels an order that is still open, and puts back what had been picked of it.</summary>
    private async Task EndAsync(string order, CancellationToken ct)
    {
        if ((await calls.GetAsync($"orders/{order}", ct)).GetProperty("status").GetString() is "shipped" or "cancelled") return;
        await calls.PostAsync($"orders/{order}/cancel", new JsonObject { ["reason"] = "smoke test" }, ct);
        await StatusAsync(order, "cancelled", ct);
        foreach (var task in (await calls.GetAsync($"put-back-tasks?order={order}&status=pending", ct)).GetProperty("items").EnumerateArray())
            await calls.PostAsync($"put-back-tasks/{task.GetProperty("id").GetString()}/complete", null, ct);
    }
}
