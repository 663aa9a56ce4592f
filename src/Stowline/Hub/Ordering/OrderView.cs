using System.Text.Json;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Promising;
using Stowline.Kernel;

namespace Stowline.Hub.Ordering;

/// <summary>An order as it is answered. Lines, customer and address are in the answer to GET only.</summary>
public sealed record OrderView
{
    public required string Id { get; init; }
    public required long Number { get; init; }
    /// <summary>Four characters to call out over the counter (K1).</summary>
    public required string DisplayId { get; init; }
    public required OrderStatus Status { get; init; }
    public required string Channel { get; init; }
    public required string ExternalId { get; init; }
    public required FulfillmentType FulfillmentType { get; init; }
    public required Priority Priority { get; init; }
    public required Money Total { get; init; }
    public required IReadOnlyList<OrderPartView> Parts { get; init; }
    /// <summary>The capacity slot of a kitchen or workshop order; null for goods from stock.</summary>
    public SlotView? Slot { get; init; }
    public string? PickupSite { get; init; }
    public bool OnHold { get; init; }
    public string? Note { get; init; }
    public required DateTimeOffset PlacedAt { get; init; }
    public required OrderLinks Links { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<OrderLineView>? Lines { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CustomerDetails? Customer { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public AddressDetails? ShipTo { get; init; }
}

public sealed record OrderPartView(int Part, string? Site, OrderStatus Status, IReadOnlyList<SkuUnits> Lines);
public sealed record OrderLineView(string Sku, int Quantity, Money UnitPrice, Money Total)
{
    /// <summary>What goes on each piece besides; the unit price has it in.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<SkuUnits>? Extras { get; init; }
}
public sealed record OrderLinks(string Self, string Timeline, string Decision);

/// <summary>One entry of an order's timeline (H1).</summary>
public sealed record TimelineItem(DateTimeOffset At, string Type, string Lane, long Position, string Actor, string Summary, JsonElement Data, string? Trace);

/// <summary>All routing decisions of an order, newest last: the first promise and every re-route.</summary>
public sealed record DecisionView(string OrderId, RoutingDecision Decision, IReadOnlyList<DecisionEntry> History);

public sealed record DecisionEntry(DateTimeOffset At, string Cause, RoutingDecision Decision);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(OrderBody))]
[JsonSerializable(typeof(OrderView))]
[JsonSerializable(typeof(Page<OrderView>))]
[JsonSerializable(typeof(Page<TimelineItem>))]
[JsonSerializable(typeof(Page<StuckOrder>))]
[JsonSerializable(typeof(DecisionView))]
[JsonSerializable(typeof(ThroughputView))]
[JsonSerializable(typeof(ReasonBody))]
[JsonSerializable(typeof(PriorityBody))]
[JsonSerializable(typeof(RerouteBody))]
[JsonSerializable(typeof(SlotView))]
[JsonSerializable(typeof(GiveUpBody))]
[JsonSerializable(typeof(TakeBackBody))]
[JsonSerializable(typeof(GiveUpView))]
[JsonSerializable(typeof(PoolBody))]
[JsonSerializable(typeof(PoolView))]
[JsonSerializable(typeof(Page<PoolView>))]
internal sealed partial class OrderingJson : JsonSerializerContext;
