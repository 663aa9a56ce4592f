using System.Text.Json;
using Stowline.Hub.Access;
using Stowline.Tests.Support;
using static Stowline.Tests.Server.KeysTests;

namespace Stowline.Tests.Server;

/// Goal: who did it stands in every event and movement (contract, Conventions). Method: the whole way of an order and all that moves stock over
/// HTTP, each step by somebody else; then every lane and the ledger are read, and nothing in them may be nameless or under a wrong name.
[Trait("Needs", "server")]
public class ActorTests
{
    private sealed class People(ServerNode node, bool withKeys)
    {
        private readonly Dictionary<string, string> _keys = [];

        /// <summary>Somebody calls: by their key, or by the header that says who they are.</summary>
        public async Task<JsonElement> CallAsync(string who, string method, string path, string? body = null)
        {
            if (withKeys && !_keys.ContainsKey(who)) _keys[who] = await MakeAsync(node.Node, who, [KeyScope.Admin]);
            var call = withKeys ? KeysTests.CallAsync(node, _keys[who], method, "/api/v1/" + path, body, ("Stowline-Actor", "nobody"))
                : node.SendAsync(method, "/api/v1/" + path, body, headers: ("Stowline-Actor", who));
            using var answer = await call;
            var text = await answer.Content.ReadAsStringAsync();
            Assert.True(answer.IsSuccessStatusCode, $"{method} {path}: {text}");
            return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
        }

        public async Task<List<JsonElement>> ItemsAsync(string path) => [.. (await CallAsync("reader", "GET", path)).GetProperty("items").EnumerateArray()];
    }

    [Theory, EveryDatabase]
    public Task The_header_stands_in_every_event_and_movement(string store) => WhoDidItAsync(store, withKeys: false);

    [Theory, EveryDatabase]
    public Task The_name_of_the_key_stands_in_every_event_and_movement(string store) => WhoDidItAsync(store, withKeys: true);

    private static async Task WhoDidItAsync(string store, bool withKeys)
    {
        await using var node = await ServerNode.StartAsync(store, auth: withKeys ? "keys" : "off");
        var people = new People(node, withKeys);
        await StockAsync(people);
        var order = await ShipAsync(people);
        await GiveBackAsync(people);
        await people.CallAsync("returns desk", "POST", "sites/WH1/returns", $$"""{"reference":"RMA","order":"{{order}}","reason":"small","lines":[{"sku":"MUG","quantity":1,"condition":"good"}]}""");

        var movements = await people.ItemsAsync("sites/WH1/movements?limit=200");
        Assert.Equal(
            ["adjustment counter", "damage clumsy", "disposal cleaner", "picking picker", "receiving receiver", "return returns desk", "shipping shipper", "transfer mover"],
            movements.Where(m => m.GetProperty("reference").GetString()?.StartsWith("put-back", StringComparison.Ordinal) != true)
                .Select(m => $"{m.GetProperty("kind").GetString()} {m.GetProperty("actor").GetString()}").Distinct().Order(StringComparer.Ordinal));
        Assert.All(movements.Where(m => m.GetProperty("reference").GetString()?.StartsWith("put-back", StringComparison.Ordinal) == true), m => Assert.Equal("putter", m.GetProperty("actor").GetString()));
        Assert.Contains(movements, m => m.GetProperty("actor").GetString() == "putter");

        var said = new HashSet<string>();
        foreach (var lane in new[] { "hub", "hub/all", "hub/WH1", "site/WH1" })
            foreach (var e in await people.ItemsAsync($"events?lane={lane}&limit=1000"))
                if (!e.GetProperty("type").GetString()!.StartsWith("key.", StringComparison.Ordinal)) said.Add($"{e.GetProperty("type").GetString()} {e.GetProperty("actor").GetString()}");
        foreach (var expected in new[]
                 {
                     "site.saved builder", "zone.saved builder", "bins.saved builder", "products.saved buyer", "worker.saved office", "stock.moved receiver", "stock.moved mover", "stock.moved counter",
                     "stock.moved clumsy", "stock.moved cleaner", "order.placed shop", "part.assigned shop", "order.held office", "order.released office", "order.priority_changed office",
                     "picking.assigned foreman", "picking.started picker", "picking.item_picked picker", "picking.completed picker", "packing.started packer", "packing.package_added packer",
                     "packing.completed packer", "part.shipped shipper", "order.cancel_requested office", "part.cancel_requested office", "stock.moved putter", "return.received returns desk",
                 })
            Assert.Contains(expected, said);
        // What follows by itself is under the name of whoever set it off, or the system's where several did; never under nobody's.
        Assert.DoesNotContain(said, s => s.EndsWith(" anonymous", StringComparison.Ordinal) || s.EndsWith(" nobody", StringComparison.Ordinal) || s.EndsWith(" reader", StringComparison.Ordinal));
    }

    private static async Task StockAsync(People people)
    {
        await people.CallAsync("builder", "PUT", "sites/WH1", """{"name":"W","type":"warehouse"}""");
        await people.CallAsync("builder", "PUT", "sites/WH1/zones/S", """{"type":"storage"}""");
        foreach (var bin in new[] { "A", "B" }) await people.CallAsync("builder", "PUT", "sites/WH1/bins/" + bin, """{"zone":"S"}""");
        await people.CallAsync("buyer", "PUT", "products/MUG", """{"name":"Mug","price":{"amount":"1.00","currency":"EUR"}}""");
        await people.CallAsync("office", "PUT", "workers/w1", """{"name":"Mira","badge":"B1"}""");
        await people.CallAsync("receiver", "POST", "sites/WH1/receipts", """{"reference":"PO","lines":[{"sku":"MUG","quantity":50,"bin":"A"}]}""");
        await people.CallAsync("mover", "POST", "sites/WH1/moves", """{"sku":"MUG","quantity":5,"from_bin":"A","to_bin":"B"}""");
        await people.CallAsync("counter", "POST", "sites/WH1/adjustments", """{"sku":"MUG","bin":"B","expected":5,"counted":4,"reason":"count"}""");
        await people.CallAsync("clumsy", "POST", "sites/WH1/damages", """{"sku":"MUG","bin":"B","quantity":1,"reason":"fell"}""");
        await people.CallAsync("cleaner", "POST", "sites/WH1/disposals", """{"sku":"MUG","bin":"B","quantity":1,"reason":"broken"}""");
    }

    private static async Task<string> PlaceAsync(People people, string external) =>
        (await people.CallAsync("shop", "POST", "orders", $$"""{"external_id":"{{external}}","channel":"web","fulfillment_type":"ship","lines":[{"sku":"MUG","quantity":2}]}""")).GetProperty("id").GetString()!;

    private static async Task<string> PickAsync(People people, string order)
    {
        var task = (await people.ItemsAsync("picking-tasks?order=" + order))[0].GetProperty("id").GetString()!;
        await people.CallAsync("foreman", "POST", $"picking-tasks/{task}/assign", """{"worker":"B1"}""");
        await people.CallAsync("picker", "POST", $"picking-tasks/{task}/start");
        await people.CallAsync("picker", "POST", $"picking-tasks/{task}/items/1/pick", """{"quantity":2}""");
        return task;
    }

    private static async Task<string> ShipAsync(People people)
    {
        var order = await PlaceAsync(people, "1");
        await people.CallAsync("office", "POST", $"orders/{order}/hold", """{"reason":"look"}""");
        await people.CallAsync("office", "POST", $"orders/{order}/release", "{}");
        await people.CallAsync("office", "POST", $"orders/{order}/priority", """{"priority":"high"}""");
        await people.CallAsync("picker", "POST", $"picking-tasks/{await PickAsync(people, order)}/complete");
        var packing = (await people.ItemsAsync("packing-tasks?order=" + order))[0].GetProperty("id").GetString();
        await people.CallAsync("packer", "POST", $"packing-tasks/{packing}/start", """{"worker":"w1"}""");
        await people.CallAsync("packer", "POST", $"packing-tasks/{packing}/packages", """{"packaging_type":"box","weight_g":500,"length_mm":100,"width_mm":100,"height_mm":100}""");
        await people.CallAsync("packer", "POST", $"packing-tasks/{packing}/complete");
        await people.CallAsync("shipper", "POST", $"packing-tasks/{packing}/ship", """{"carrier":"post"}""");
        return order;
    }

    private static async Task GiveBackAsync(People people)
    {
        var order = await PlaceAsync(people, "2");
        await PickAsync(people, order);
        await people.CallAsync("office", "POST", $"orders/{order}/cancel", """{"reason":"changed"}""");
        var task = (await people.ItemsAsync("put-back-tasks?order=" + order))[0].GetProperty("id").GetString();
        await people.CallAsync("putter", "POST", $"put-back-tasks/{task}/complete");
    }
}
