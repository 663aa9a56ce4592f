using System.Text.Json;
using System.Text.Json.Serialization;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Contracts;

/// <summary>How urgent (F2). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<Priority>))]
public enum Priority { Low = 1, Normal = 2, High = 3, Urgent = 4 }

/// <summary>Why stock moved (W4). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<MovementKind>))]
public enum MovementKind
{
    Receiving = 1, Putaway = 2, Picking = 3, Transfer = 4, Adjustment = 5, Damage = 6, Return = 7, Shipping = 8, Disposal = 9,
    /// <summary>Used up in making something (K1).</summary>
    Consumption = 10,
    /// <summary>Sold over the counter of the site.</summary>
    Sale = 11,
}

/// <summary>What a site is (W10). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<SiteType>))]
public enum SiteType { Warehouse = 1, PickupPoint = 2, ParcelLocker = 3, Storefront = 4, PartnerWarehouse = 5, Kitchen = 6, Workshop = 7 }

/// <summary>Enums on the wire are snake_case text; a wrong word is refused with the list of right ones.</summary>
public sealed class SnakeCaseEnum<T> : JsonConverter<T> where T : struct, Enum
{
    private static readonly Dictionary<string, T> ByName = Enum.GetValues<T>().ToDictionary(Name, v => v, StringComparer.Ordinal);
    private static readonly Dictionary<T, string> ByValue = Enum.GetValues<T>().ToDictionary(v => v, Name);

    public static string Text(T value) => ByValue[value];
    public static bool TryParse(string? text, out T value) => ByName.TryGetValue(text ?? "", out value);
    public static string Choices => "must be one of " + string.Join(", ", ByName.Keys);

    private static string Name(T value) => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    public override T Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && ByName.TryGetValue(reader.GetString()!, out var value) ? value : throw new JsonException(Choices);

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(ByValue[value]);
}

/// <summary>The personal fields of an order: encrypted wherever they are kept.</summary>
public sealed record PersonalDetails(CustomerDetails? Customer, AddressDetails? ShipTo);

public sealed record CustomerDetails(string? Name, string? Email, string? Phone);

/// <summary>A postal address. <see cref="Country"/> is ISO 3166 alpha-2; coordinates in degrees.</summary>
public sealed record AddressDetails(
    string? Name, string? Line1, string? Line2, string? City, string? Region, string? PostalCode, string? Country, double? Latitude, double? Longitude);

/// <summary>Serializers of all that crosses a lane, source-generated.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OrderPlaced))]
[JsonSerializable(typeof(OrderRefused))]
[JsonSerializable(typeof(OrderStatusChanged))]
[JsonSerializable(typeof(OrderRecovered))]
[JsonSerializable(typeof(OrderCancelRequested))]
[JsonSerializable(typeof(OrderHeld))]
[JsonSerializable(typeof(OrderReleased))]
[JsonSerializable(typeof(OrderPriorityChanged))]
[JsonSerializable(typeof(OrderRerouted))]
[JsonSerializable(typeof(OrderStuck))]
[JsonSerializable(typeof(OrderUnstuck))]
[JsonSerializable(typeof(PartAssigned))]
[JsonSerializable(typeof(PartCancelRequested))]
[JsonSerializable(typeof(PartHeld))]
[JsonSerializable(typeof(PartReleased))]
[JsonSerializable(typeof(PartPriorityChanged))]
[JsonSerializable(typeof(PolicyChanged))]
[JsonSerializable(typeof(RoutingRuleSaved))]
[JsonSerializable(typeof(RoutingRuleDeleted))]
[JsonSerializable(typeof(PoolSaved))]
[JsonSerializable(typeof(PoolRemoved))]
[JsonSerializable(typeof(AllotmentReturned))]
[JsonSerializable(typeof(EpochOpened))]
[JsonSerializable(typeof(EpochAnswered))]
[JsonSerializable(typeof(SiteGivenUp))]
[JsonSerializable(typeof(SiteTakenBack))]
[JsonSerializable(typeof(SiteResumed))]
[JsonSerializable(typeof(OrderShippedAfterAll))]
[JsonSerializable(typeof(OrderDoubled))]
[JsonSerializable(typeof(ProductsSaved))]
[JsonSerializable(typeof(SiteSaved))]
[JsonSerializable(typeof(WorkerSaved))]
[JsonSerializable(typeof(PersonErased))]
[JsonSerializable(typeof(KeyCreated))]
[JsonSerializable(typeof(KeyRevoked))]
[JsonSerializable(typeof(KeyTierChanged))]
[JsonSerializable(typeof(LinkAlerted))]
[JsonSerializable(typeof(LinkCleared))]
[JsonSerializable(typeof(LinkJoined))]
[JsonSerializable(typeof(SiteJoined))]
[JsonSerializable(typeof(WebhookChanged))]
[JsonSerializable(typeof(ChannelSaved))]
[JsonSerializable(typeof(AlertRaised))]
[JsonSerializable(typeof(AlertResolved))]
[JsonSerializable(typeof(AlertAcknowledged))]
[JsonSerializable(typeof(NodeRestored))]
[JsonSerializable(typeof(LaneJoined))]
[JsonSerializable(typeof(LaneHandedOver))]
[JsonSerializable(typeof(LaneTakenOver))]
[JsonSerializable(typeof(ParkedDiscarded))]
[JsonSerializable(typeof(StockMoved))]
[JsonSerializable(typeof(StockRebalanced))]
[JsonSerializable(typeof(StockExpired))]
[JsonSerializable(typeof(TransferRequested))]
[JsonSerializable(typeof(TransferCancelRequested))]
[JsonSerializable(typeof(TransferStatusChanged))]
[JsonSerializable(typeof(TransferAnnounced))]
[JsonSerializable(typeof(TransferReceived))]
[JsonSerializable(typeof(TransferClosed))]
[JsonSerializable(typeof(TransferUnknown))]
[JsonSerializable(typeof(StockTaskCreated))]
[JsonSerializable(typeof(StockTaskAssigned))]
[JsonSerializable(typeof(StockTaskStarted))]
[JsonSerializable(typeof(StockTaskCounted))]
[JsonSerializable(typeof(StockTaskCompleted))]
[JsonSerializable(typeof(StockTaskCancelled))]
[JsonSerializable(typeof(CountSettingsSaved))]
[JsonSerializable(typeof(RecallRequested))]
[JsonSerializable(typeof(PickingCreated))]
[JsonSerializable(typeof(PickingAssigned))]
[JsonSerializable(typeof(PickingStarted))]
[JsonSerializable(typeof(ItemPicked))]
[JsonSerializable(typeof(ItemSkipped))]
[JsonSerializable(typeof(PickingExtended))]
[JsonSerializable(typeof(PickingCompleted))]
[JsonSerializable(typeof(PickingCancelled))]
[JsonSerializable(typeof(PackingCreated))]
[JsonSerializable(typeof(PackingStarted))]
[JsonSerializable(typeof(PackageAdded))]
[JsonSerializable(typeof(PackageChanged))]
[JsonSerializable(typeof(PackingCompleted))]
[JsonSerializable(typeof(PackingCancelled))]
[JsonSerializable(typeof(PartShort))]
[JsonSerializable(typeof(PartCancelled))]
[JsonSerializable(typeof(PartCancelRefused))]
[JsonSerializable(typeof(PartShipped))]
[JsonSerializable(typeof(ReturnReceived))]
[JsonSerializable(typeof(PartDelivered))]
[JsonSerializable(typeof(BookingRequested))]
[JsonSerializable(typeof(BookingConfirmed))]
[JsonSerializable(typeof(BookingFellBack))]
[JsonSerializable(typeof(BookingFailed))]
[JsonSerializable(typeof(BookingCancelled))]
[JsonSerializable(typeof(ParcelMoved))]
[JsonSerializable(typeof(CarrierChanged))]
[JsonSerializable(typeof(CarrierUnavailable))]
[JsonSerializable(typeof(CarrierRecovered))]
[JsonSerializable(typeof(ZoneSaved))]
[JsonSerializable(typeof(BinsSaved))]
[JsonSerializable(typeof(BinLocked))]
[JsonSerializable(typeof(BinUnlocked))]
[JsonSerializable(typeof(QuoteRequested))]
[JsonSerializable(typeof(QuoteCalculated))]
[JsonSerializable(typeof(QuoteFailed))]
[JsonSerializable(typeof(QuoteCancelled))]
[JsonSerializable(typeof(QuoteRetried))]
[JsonSerializable(typeof(QuoteOrdered))]
[JsonSerializable(typeof(PriceModelSaved))]
[JsonSerializable(typeof(TicketOrdered))]
[JsonSerializable(typeof(TicketCancelRequested))]
[JsonSerializable(typeof(TicketReceived))]
[JsonSerializable(typeof(TicketShown))]
[JsonSerializable(typeof(TicketMoved))]
[JsonSerializable(typeof(TicketItemDone))]
[JsonSerializable(typeof(TicketAssigned))]
[JsonSerializable(typeof(TicketChanged))]
[JsonSerializable(typeof(TicketCancelled))]
[JsonSerializable(typeof(TicketCancelRefused))]
[JsonSerializable(typeof(DishStopped))]
[JsonSerializable(typeof(DishResumed))]
[JsonSerializable(typeof(MenuSaved))]
[JsonSerializable(typeof(StagesPreset))]
[JsonSerializable(typeof(SlotPlanSaved))]
[JsonSerializable(typeof(List<TicketItem>))]
[JsonSerializable(typeof(PersonalDetails))]
[JsonSerializable(typeof(List<SkuUnits>))]
[JsonSerializable(typeof(List<TransferLot>))]
[JsonSerializable(typeof(SkuUnits[]))]
[JsonSerializable(typeof(List<PlacedLine>))]
internal sealed partial class ContractsJson : JsonSerializerContext
{
    public static void Register() => EventJson.Use(Default.Options, Default);
}
