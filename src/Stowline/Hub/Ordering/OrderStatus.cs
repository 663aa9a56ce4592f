using System.Text.Json.Serialization;
using Stowline.Contracts;

namespace Stowline.Hub.Ordering;

/// <summary>Where an order or a part of it stands (contract, Orders). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<OrderStatus>))]
public enum OrderStatus
{
    Backorder = 1, Allocated = 2, Picking = 3, Packing = 4, Ready = 5, Shipped = 6, Delivered = 7, Cancelling = 8, Cancelled = 9,
    /// <summary>A part only: the site could deliver none of it; its units are elsewhere now.</summary>
    Short = 10,
}

/// <summary>How an order reaches its customer. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<FulfillmentType>))]
public enum FulfillmentType { Ship = 1, Pickup = 2, Transfer = 3 }

/// <summary>The only place that knows how an order's status follows from its parts. Pure.</summary>
public static class OrderLifecycle
{
    /// <summary>How far a part is: −1 for parts that are over and count no more.</summary>
    public static int Progress(OrderStatus part) => part switch
    {
        OrderStatus.Backorder => 0,
        OrderStatus.Allocated => 1,
        OrderStatus.Picking => 2,
        OrderStatus.Packing => 3,
        OrderStatus.Ready => 4,
        OrderStatus.Shipped => 5,
        OrderStatus.Delivered => 6,
        OrderStatus.Cancelling => 0,
        OrderStatus.Cancelled or OrderStatus.Short => -1,
    };

    /// <summary>True while a site may still give the part back whole.</summary>
    public static bool IsOpen(OrderStatus part) => part switch
    {
        OrderStatus.Backorder or OrderStatus.Allocated or OrderStatus.Picking or OrderStatus.Packing or OrderStatus.Ready or OrderStatus.Cancelling => true,
        OrderStatus.Shipped or OrderStatus.Delivered or OrderStatus.Cancelled or OrderStatus.Short => false,
    };

    /// <summary>An order's status is its least advanced live part; cancelling while a part has not answered; cancelled when none is live.</summary>
    public static OrderStatus Of(IEnumerable<OrderStatus> parts, bool cancelling)
    {
        OrderStatus? least = null;
        var open = false;
        foreach (var part in parts)
        {
            if (Progress(part) < 0) continue;
            open |= IsOpen(part);
            if (least is null || Progress(part) < Progress(least.Value)) least = part;
        }
        if (least is null) return OrderStatus.Cancelled;
        return cancelling && open || least == OrderStatus.Cancelling ? OrderStatus.Cancelling : least.Value;
    }
}
