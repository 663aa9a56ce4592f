using System.Text;
using System.Text.Json;
using Stowline.Adapters;
using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Tests.Brokers;

/// Goal: what is personal never leaves in a message, and the rest leaves as it is. Method: pure.
public class OrderEventsTests
{
    [Theory]
    [InlineData("""{"a":1,"personal":{"k":"x","d":[1,{"personal":2}]},"b":2}""", """{"a":1,"b":2}""")]
    [InlineData("""{"personal":"x","b":2}""", """{"b":2}""")]
    [InlineData("""{"personal" : "x" , "b":2}""", """{ "b":2}""")]
    [InlineData("""{"a":{"personal":1},"personal":null}""", """{"a":{"personal":1}}""")]
    [InlineData("""{"personal":{}}""", "{}")]
    [InlineData("""{"a":"\"personal\":1","n":"žš"}""", """{"a":"\"personal\":1","n":"žš"}""")]
    [InlineData("{}", "{}")]
    public void The_person_is_cut_out_and_nothing_else(string payload, string expected) => Assert.Equal(expected, OrderEvents.WithoutPerson(Encoding.UTF8.GetBytes(payload)));

    /// Goal: what no generated message is made for is the same message. Method: prices, words and texts of every kind, members in another order, unknown ones among them.
    [Theory]
    [InlineData("""{"number":7,"lines":[{"quantity":3,"unit_price_e4":3333,"sku":"A"}],"parts":[],"total_e4":9999,"currency":"EUR"}""")]
    [InlineData("""{"lines":[{"sku":"A\"\u017e","quantity":2,"unit_price_e4":125,"extras":[{"sku":"X","quantity":1}]}],"currency":"JPY","total_e4":0,"note":"two\nlines","pickup_site":"S","unknown":{"lines":[1]}}""")]
    [InlineData("""{"currency":"KWD","total_e4":123456789012345,"lines":[{"sku":"","quantity":0,"unit_price_e4":10000}],"priority":"urgent","fulfillment_type":"pickup","note":null,"personal":"x","pickup_site":null}""")]
    [InlineData("""{"parts":[{"part":1,"site":"","lines":[]},{"site":null,"part":2,"lines":[{"sku":"B","quantity":1}],"more":[{}]}],"channel":"web","external_id":"ž","fulfillment_type":"teleport"}""")]
    [InlineData("""{"slot":{"visible_at":"2026-01-05T11:30:00Z","end":"2026-01-05T13:15:00+01:00","more":[1],"id":"slot:K1","start":"2026-01-05T12:00:00+00:00"},"parts":[],"channel":"web"}""")]
    [InlineData("""{"slot":null,"channel":"web"}""")]
    [InlineData("{}")]
    public void The_bytes_are_the_message_however_the_event_is_written(string payload)
    {
        payload = payload[..^1] + (payload.Length > 2 ? "," : "") + "\"order_id\":\"0198c7a0-0000-7000-8000-00000000abcd\"}";
        foreach (var at in new[] { DateTimeOffset.UnixEpoch, new DateTimeOffset(1969, 12, 31, 23, 59, 59, 999, TimeSpan.Zero), new DateTimeOffset(2026, 1, 5, 8, 0, 0, 123, 456, TimeSpan.FromHours(2)) })
        {
            var e = new EventRecord(Lane.Hub, 0, Guid.Empty, OrderPlaced.Type, "o", null, at, "", null, Encoding.UTF8.GetBytes(payload));
            Assert.Equal(OrderEvents.Of(e), Protocol.OrderEvent.Parser.ParseFrom(OrderEvents.Encode(e)));
        }
    }

    [Fact]
    public void An_amount_is_written_as_its_text()
    {
        Span<byte> bytes = stackalloc byte[Kernel.Money.LongestAmount];
        foreach (var currency in new[] { "EUR", "JPY", "KWD" })
            foreach (var e4 in new[] { 0L, 1, 10, 100, 120, 1_000, 9_999, 10_000, 12_500, 25_500, 123_456, 999_999_999_999L * 10_000, -1, -25_500 })
                Assert.Equal(Kernel.Money.FromE4(e4, currency).AmountText(), Encoding.ASCII.GetString(bytes[..Kernel.Money.WriteAmount(e4, currency, bytes)]));
    }

    [Fact]
    public void A_total_in_ten_thousandths_is_the_total()
    {
        foreach (var currency in new[] { "EUR", "JPY", "KWD" })
            foreach (var e4 in new[] { 0L, 1, 49, 50, 51, 149, 150, 4_999, 5_000, 12_345, 999_999_999_999L, -50, -49, -4_999, -5_000 })
                foreach (var quantity in new[] { 0, 1, 2, 3, 7, 1_000_000 })
                    Assert.Equal(Kernel.Money.LineTotal(Kernel.Money.FromE4(e4, currency), quantity).ToE4(), Kernel.Money.LineTotal(e4, quantity, currency));
    }

    /// A relay copies the data as bytes; gRPC writes the same message field by field.
    [Theory]
    [InlineData(1)]
    [InlineData(200)] // longer than a length of one byte
    [InlineData(20_000)]
    public void The_bytes_of_a_relay_are_the_message(int lines)
    {
        ContractsJson.Register();
        var (id, noon) = (Guid.CreateVersion7(), new DateTimeOffset(2026, 1, 5, 12, 0, 0, TimeSpan.Zero));
        var placed = new OrderPlaced(id, 7, "web", "ž-1", "ship", Priority.High, "EUR", 123_400, [.. Enumerable.Range(1, lines).Select(i => new PlacedLine($"S{i}", i, 25_500))],
            [new PlacedPart(1, "WH1", [new SkuUnits("S1", 1)]), new PlacedPart(2, null, [new SkuUnits("S2", 2)])],
            new RoutingDecision("nearest", "WH1: nearest", [new RoutingCandidate("WH1", 1.5, true, null, 1.5, 3)]), Guid.NewGuid(), [1, 2, 3], null, "a \"note\"",
            new PlacedSlot("slot:K1:1", "K1", noon, noon.AddMinutes(15), noon.AddMinutes(-30)));
        var e = new EventRecord(Lane.Hub, 5, Guid.NewGuid(), OrderPlaced.Type, id.ToString(), id, new DateTimeOffset(2026, 1, 5, 8, 0, 0, TimeSpan.Zero), "ann", "00-1-2-01",
            JsonSerializer.SerializeToUtf8Bytes(placed, EventJson.Info<OrderPlaced>()));
        var read = Protocol.OrderEvent.Parser.ParseFrom(OrderEvents.Encode(e));
        Assert.Equal(OrderEvents.Of(e), read);
        Assert.Equal((lines, "2.55", 2, "ž-1"), (read.Order.Lines.Count, read.Order.Lines[0].UnitPrice.Amount, read.Order.Parts.Count, read.Order.ExternalId));
        Assert.Equal(("slot:K1:1", noon, noon.AddMinutes(15), noon.AddMinutes(-30)),
            (read.Order.TargetSlotId, DateTimeOffset.Parse(read.Order.SlotStartTime, null), DateTimeOffset.Parse(read.Order.EstimatedTime, null), DateTimeOffset.Parse(read.Order.VisibleAt, null)));
        Assert.DoesNotContain("\"personal\"", read.Data, StringComparison.Ordinal);

        var changed = e with { Type = OrderStatusChanged.Type, Payload = JsonSerializer.SerializeToUtf8Bytes(new OrderStatusChanged(id, "allocated", "picking"), EventJson.Info<OrderStatusChanged>()) };
        Assert.Equal(OrderEvents.Of(changed), Protocol.OrderEvent.Parser.ParseFrom(OrderEvents.Encode(changed)));
    }
}
