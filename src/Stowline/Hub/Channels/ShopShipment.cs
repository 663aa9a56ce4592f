using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Hooks;
using Stowline.Kernel;

namespace Stowline.Hub.Channels;

/// <summary>
/// The call that tells a shop of a parcel. Beside what every such call has filled in, <c>{contents}</c> is the parcel's goods as text (<c>2 × MUG, 1 × LID</c>), and with
/// <see cref="EachLine"/> a text that is nothing but <c>{lines}</c> becomes the array of them, with <see cref="EachGroup"/> <c>{groups}</c> the array of groups.
/// </summary>
public sealed record ShopShipmentCall : ShopReportCall
{
    /// <summary>How a line of the parcel is written: <c>{sku}</c>, <c>{quantity}</c>, and with <see cref="Order"/> the line's id there as <c>{line}</c> or the number <c>{line_number}</c>.</summary>
    public JsonElement? EachLine { get; init; }
    /// <summary>With <see cref="Open"/>: how a group is written, with its id as <c>{group}</c> or the number <c>{group_number}</c> and its <c>{lines}</c>.</summary>
    public JsonElement? EachGroup { get; init; }
    /// <summary>Where the shop's parcels of the order are read: after a lost answer they are looked at before the parcel is told again.</summary>
    public ShopParcelsRead? Known { get; init; }
    /// <summary>Where the order is read, when the shop wants to hear its own lines' ids. Its lines are found as <see cref="ShopMapping.Orders"/> says.</summary>
    public ShopOrderRead? Order { get; init; }
    /// <summary>Where the shop says what is still to be sent, in groups (Shopify's fulfillment orders).</summary>
    public ShopOpenRead? Open { get; init; }

    internal void Check(string at, ShopMapping mapping, HookTarget target, Problems problems)
    {
        base.Check(at, target, problems);
        if (Known is { } known)
        {
            CheckUrl(known.Url, at + ".known.url", target, problems);
            problems.Check(known.Mark is { Count: > 0 }, at + ".known.mark", "is required");
        }
        if (Order is { } order)
        {
            CheckUrl(order.Url, at + ".order.url", target, problems);
            problems.Check(order.Line is { Count: > 0 }, at + ".order.line", "is required");
            problems.Check(mapping.Orders?.Lines is not null, at + ".order", "needs settings.mapping.orders.lines, which says where an order's lines are");
            problems.Check(EachLine is { ValueKind: not JsonValueKind.Undefined }, at + ".each_line", "is required with order");
        }
        if (Open is { } open)
        {
            CheckUrl(open.Url, at + ".open.url", target, problems);
            problems.Check(open.Group is { Count: > 0 }, at + ".open.group", "is required");
            problems.Check(open.OrderLine is { Count: > 0 }, at + ".open.order_line", "is required");
            problems.Check(open.Line is { Count: > 0 }, at + ".open.line", "is required");
            problems.Check(open.Quantity is { Count: > 0 }, at + ".open.quantity", "is required");
            problems.Check(Order is not null, at + ".order", "is required with open: it says which line is of which goods");
        }
        problems.Check((Open is not null) == (EachGroup is { ValueKind: not JsonValueKind.Undefined }), at + ".each_group", Open is null ? "is for open only" : "is required with open");
    }
}

/// <param name="Items">The array in the answer; the answer itself when not given.</param>
/// <param name="Mark">Where each has what it is known by.</param>
/// <param name="Is">What stands there for this parcel, filled in as in the call; <c>{tracking_number}</c> when not given.</param>
public sealed record ShopParcelsRead(string? Url = null, string? Items = null, IReadOnlyList<string>? Mark = null, string? Is = null);

/// <param name="Line">Where each line of the order has its id.</param>
public sealed record ShopOrderRead(string? Url = null, IReadOnlyList<string>? Line = null);

/// <param name="Items">The array of groups; the answer itself when not given.</param>
/// <param name="When">Only such groups can still be sent from; all when not given.</param>
/// <param name="Group">Where a group has its id.</param>
/// <param name="Lines">The array of lines in a group.</param>
/// <param name="OrderLine">Where a line has the id of the order's line.</param>
/// <param name="Line">Where a line has the id by which it is told.</param>
/// <param name="Quantity">Where a line says how many units are still to be sent.</param>
public sealed record ShopOpenRead(
    string? Url = null, string? Items = null, ShopCondition? When = null, IReadOnlyList<string>? Group = null, string? Lines = null, IReadOnlyList<string>? OrderLine = null,
    IReadOnlyList<string>? Line = null, IReadOnlyList<string>? Quantity = null);
