using Stowline.Hub.Ordering;

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
internal sealed class Delivery(string site, string reference, string sku, int units)
{
    public string Site => site;
    public string Reference => reference;
    public string Sku => sku;
    public int Units => units;
    public bool IsOpen { get; set; } = true;
    public bool IsAsking { get; set; }
}

/// <summary>What the people around the nodes know: the nodes are compared with it at the end.</summary>
internal sealed class Book
{
    public List<Wish> Wishes { get; } = [];
    public List<Delivery> Deliveries { get; } = [];

    /// <summary>The orders of which somebody was told that they are accepted, each with its wish.</summary>
    public Dictionary<Guid, Wish> Placed { get; } = [];

    public IEnumerable<Wish> Unanswered => Wishes.Where(w => w is { IsOpen: true, IsAsking: false });
    public IEnumerable<Delivery> Undelivered => Deliveries.Where(d => d is { IsOpen: true, IsAsking: false });
}
