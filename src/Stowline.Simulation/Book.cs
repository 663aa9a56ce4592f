using Stowline.Hub.Ordering;
using Stowline.Site.Transfers;

namespace Stowline.Simulation;

/// <summary>An order that somebody wants, and what they have been told of it.</summary>
internal sealed class Wish(OrderBody body)
{
    public OrderBody Body => body;

    /// <summary>The order, once anybody was told that it is accepted.</summary>
    public Guid? Order { get; set; }

    /// <summary>Asked, and no answer yet.</summary>
    public bool IsOpen { get; set; } = true;
    public bool IsAsking { get; set; }

    /// <summary>Somebody has asked to cancel it, whether or not they were answered: what had not left then need not leave.</summary>
    public bool MayBeCancelled { get; set; }
}

/// <summary>Goods that stand at a site's gate, and whether anybody was told that they are booked.</summary>
internal sealed class Delivery(string site, string reference, string sku, int units, string? lot, DateOnly? expiresOn)
{
    public string Site => site;
    public string Reference => reference;
    public string Sku => sku;
    public int Units => units;
    public string? Lot => lot;
    public DateOnly? ExpiresOn => expiresOn;
    public bool IsOpen { get; set; } = true;
    public bool IsAsking { get; set; }
}

/// <summary>Units of one lot on a truck.</summary>
internal sealed record Load(string Sku, string? Lot, int Units);

/// <summary>What has left one site for another, as it really is: whoever unloads it goes by the number on the label.</summary>
internal sealed class Truck(long number, string site, TimeSpan arrival, List<Load> load)
{
    public long Number => number;

    /// <summary>Where it goes.</summary>
    public string Site => site;

    /// <summary>When it is there.</summary>
    public TimeSpan Arrival => arrival;

    /// <summary>What is still on it.</summary>
    public List<Load> Load => load;

    /// <summary>What was unloaded and is to be booked; null where nothing is.</summary>
    public TransferReceiptBody? Asked { get; set; }
    public bool IsAsking { get; set; }

    /// <summary>How many times goods of it were booked: part of the next booking's key.</summary>
    public int Receipts { get; set; }

    /// <summary>Units that somebody was told are booked, by SKU.</summary>
    public Dictionary<string, long> Booked { get; } = new(StringComparer.Ordinal);

    public bool IsDone => Asked is null && load.Count == 0;
}

/// <summary>What the people around the nodes know: the nodes are compared with it at the end.</summary>
internal sealed class Book
{
    public List<Wish> Wishes { get; } = [];
    public List<Delivery> Deliveries { get; } = [];

    /// <summary>The transfers of which somebody was told that they are under way.</summary>
    public List<Guid> Transfers { get; } = [];

    /// <summary>What has left for another site, by transfer, in the order in which it was seen.</summary>
    public Dictionary<Guid, Truck> Trucks { get; } = [];

    /// <summary>The orders of which somebody was told that they are accepted, each with its wish.</summary>
    public Dictionary<Guid, Wish> Placed { get; } = [];

    public IEnumerable<Wish> Unanswered => Wishes.Where(w => w is { IsOpen: true, IsAsking: false });
    public IEnumerable<Delivery> Undelivered => Deliveries.Where(d => d is { IsOpen: true, IsAsking: false });
}
