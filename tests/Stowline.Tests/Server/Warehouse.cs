using System.Text.Json;

namespace Stowline.Tests.Server;

/// <summary>A site with goods behind real HTTP, and the way of an order through it, as a stranger would drive it.</summary>
public sealed class Warehouse(HttpClient http, string site)
{
    public async Task<JsonElement> SendAsync(HttpMethod method, string path, object? body = null, string? traceparent = null)
    {
        using var request = new HttpRequestMessage(method, "/api/v1/" + path);
        if (body is not null) request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body)) { Headers = { ContentType = new("application/json") } };
        if (traceparent is not null) request.Headers.TryAddWithoutValidation("traceparent", traceparent);
        using var answer = await http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{method} {path}: {(int)answer.StatusCode} {text}");
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }

    public Task<JsonElement> GetAsync(string path) => SendAsync(HttpMethod.Get, path);
    public Task<JsonElement> PostAsync(string path, object? body = null, string? traceparent = null) => SendAsync(HttpMethod.Post, path, body ?? new { }, traceparent);

    public async Task OpenAsync(int units = 100)
    {
        await SendAsync(HttpMethod.Put, $"sites/{site}", new { name = site, type = "warehouse" });
        await SendAsync(HttpMethod.Put, $"sites/{site}/zones/S", new { type = "storage" });
        await SendAsync(HttpMethod.Put, $"sites/{site}/bins/A", new { zone = "S" });
        await SendAsync(HttpMethod.Put, "products/MUG", new { name = "Mug", price = new { amount = "7.50", currency = "EUR" } });
        await PostAsync($"sites/{site}/receipts", new { reference = "r", lines = new[] { new { sku = "MUG", quantity = units, bin = "A" } } });
    }

    /// <summary>Places an order for some person; answers its id.</summary>
    public async Task<string> PlaceAsync(string external, int quantity = 2, string? traceparent = null) => (await PostAsync("orders", new
    {
        external_id = external, channel = "web", fulfillment_type = "ship", customer = new { name = "Ann Secret", email = "ann@secret.example" },
        lines = new[] { new { sku = "MUG", quantity } },
    }, traceparent)).GetProperty("id").GetString()!;

    public async Task<string> PickingOfAsync(string order) => (await GetAsync($"picking-tasks?order={order}")).GetProperty("items")[0].GetProperty("id").GetString()!;

    public async Task StartPickingAsync(string order, string? traceparent = null)
    {
        var task = await PickingOfAsync(order);
        await PostAsync($"picking-tasks/{task}/assign", new { worker = "mira" }, traceparent);
        await PostAsync($"picking-tasks/{task}/start", null, traceparent);
    }

    public async Task ShipAsync(string order, int quantity = 2, string? traceparent = null)
    {
        var picking = await PickingOfAsync(order);
        await PostAsync($"picking-tasks/{picking}/items/1/pick", new { quantity }, traceparent);
        await PostAsync($"picking-tasks/{picking}/complete", null, traceparent);
        var packing = (await GetAsync($"packing-tasks?order={order}")).GetProperty("items")[0].GetProperty("id").GetString();
        await PostAsync($"packing-tasks/{packing}/start", new { worker = "ben" }, traceparent);
        await PostAsync($"packing-tasks/{packing}/packages", new { packaging_type = "box", weight_g = 1500, length_mm = 400, width_mm = 300, height_mm = 200 }, traceparent);
        await PostAsync($"packing-tasks/{packing}/complete", null, traceparent);
        await PostAsync($"packing-tasks/{packing}/ship", new { carrier = "post" }, traceparent);
    }
}
