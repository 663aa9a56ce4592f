using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Stowline.Hub.Ordering;
using Stowline.Site.Stock;
using Fulfillment = Stowline.Site.Fulfillment;
using Wire = Stowline.Protocol;

namespace Stowline.Server.Grpc;

/// <summary>
/// What the site's modules answer, as source 2's messages: numbers for ids, kilograms and centimeters for grams and millimeters. Enum values have the
/// same numbers on both sides; a test holds them to it.
/// </summary>
internal sealed class WarehouseMessages(
    IReadOnlyDictionary<string, int> sites, IReadOnlyDictionary<Guid, (string Channel, string ExternalId, long Number)> orders, IReadOnlyDictionary<string, string> listings)
{
    public int SiteNumber(string site) => sites.GetValueOrDefault(site);

    public long Listing(string sku) => long.TryParse(listings.GetValueOrDefault(sku), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0;

    private long Order(Guid id, long number) => orders.TryGetValue(id, out var origin) ? OldOrders.NumberOf(origin.Channel, origin.ExternalId, number) : number;

    public Wire.PickingTask Of(Fulfillment.PickingTask task)
    {
        var message = new Wire.PickingTask
        {
            Id = task.Number, OrderId = Order(task.OrderId, task.OrderNumber), WarehouseId = SiteNumber(task.Site), WorkerId = Number(task.Worker), Worker = task.Worker ?? "",
            Status = (Wire.PickingTaskStatus)task.Status, Priority = (Wire.Priority)task.Priority, TotalItems = task.TotalItems, PickedItems = task.PickedItems,
            CreatedAt = Time(task.CreatedAt), StartedAt = Time(task.StartedAt), CompletedAt = Time(task.CompletedAt), CancelledAt = Time(task.CancelledAt),
            CancellationReason = task.CancellationReason ?? "",
        };
        message.Items.AddRange(task.Items.Select(i => Of(task.Number, i)));
        return message;
    }

    public Wire.PickingTaskItem Of(long task, Fulfillment.PickingItem item) => new()
    {
        Id = Number(item.Id), TaskId = task, ListingId = Listing(item.Sku), Sku = item.Sku, Location = item.Bin, Lot = item.Lot ?? "", QuantityRequired = item.QuantityRequired,
        QuantityPicked = item.QuantityPicked, Status = (Wire.PickingTaskItemStatus)item.Status, Sequence = item.Sequence, PickedAt = Time(item.PickedAt), Notes = item.Note ?? "",
    };

    /// <param name="picking">The number of the picking task that it came of.</param>
    public Wire.PackingTask Of(Fulfillment.PackingTask task, long picking)
    {
        var message = new Wire.PackingTask
        {
            Id = task.Number, OrderId = Order(task.OrderId, task.OrderNumber), PickingTaskId = picking, WarehouseId = SiteNumber(task.Site), WorkerId = Number(task.Worker),
            Worker = task.Worker ?? "", Status = (Wire.PackingTaskStatus)task.Status, Priority = (Wire.Priority)task.Priority,
            PackagingType = (Wire.PackagingType)(task.PackagingType ?? 0), Weight = task.WeightG / 1000.0, Length = (task.LengthMm ?? 0) / 10.0, Width = (task.WidthMm ?? 0) / 10.0,
            Height = (task.HeightMm ?? 0) / 10.0, VolumetricWeight = task.VolumetricWeightG / 1000.0, ChargeableWeight = task.ChargeableWeightG / 1000.0,
            TrackingNumber = task.TrackingNumber ?? "", LabelUrl = task.LabelUrl ?? "", StartedAt = Time(task.StartedAt), PackedAt = Time(task.PackedAt), ShippedAt = Time(task.ShippedAt),
            CreatedAt = Time(task.CreatedAt), CancelledAt = Time(task.CancelledAt), CancellationReason = task.CancellationReason ?? "",
        };
        message.Packages.AddRange(task.Packages.Select(p => new Wire.Package
        {
            Id = p.SequenceNumber, PackingTaskId = task.Number, SequenceNumber = p.SequenceNumber, PackagingType = (Wire.PackagingType)p.PackagingType, Weight = p.WeightG / 1000.0,
            Length = p.LengthMm / 10.0, Width = p.WidthMm / 10.0, Height = p.HeightMm / 10.0, Barcode = p.Barcode, LabelUrl = task.LabelUrl ?? "",
        }));
        return message;
    }

    /// <summary>What lies in one bin, over its lots; with nothing, an empty place.</summary>
    public Wire.ProductLocation Of(string site, string sku, string bin, IReadOnlyList<PickingPlaces.Place> lots) => new()
    {
        ListingId = Listing(sku), Sku = sku, WarehouseId = SiteNumber(site), Location = bin, Quantity = (int)lots.Sum(l => l.OnHand), ReservedQuantity = (int)lots.Sum(l => l.Reserved),
        AvailableQuantity = (int)lots.Sum(l => l.Available), Lot = lots.Count == 1 ? lots[0].Lot ?? "" : "", ReceivedAt = Time(lots.Min(l => l.ReceivedAt)),
        ExpiresOn = lots.Min(l => l.ExpiresOn)?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "",
    };

    private static long Number(string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static Timestamp? Time(DateTimeOffset? time) => time is { } t ? Timestamp.FromDateTimeOffset(t) : null;
}
