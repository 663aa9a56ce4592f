using System.Text.Json;
using Stowline.Kernel;

namespace Stowline.Server.Retail;

/// <summary>What a row of the file is. Every row is exactly one of these; <c>docs/online-retail.md</c> has the counts. In order of precedence.</summary>
internal enum RetailRule
{
    /// <summary>No invoice number, or a quantity or price that is no number. Counted, nothing is booked.</summary>
    Unreadable = 1,
    /// <summary>The stock code is empty. Counted, nothing is booked.</summary>
    NoCode,
    /// <summary>Quantity and price positive, code begins with a digit (contract): a line of the order with the invoice's number.</summary>
    OrderLine,
    /// <summary>Invoices A…: bookkeeping about unpaid bills. No goods move.</summary>
    BadDebtAdjustment,
    /// <summary>The code does not begin with a digit: postage, bank charges, discounts, vouchers, samples, manual. No goods of the warehouse.</summary>
    PseudoProduct,
    /// <summary>Begins with a digit but holds characters that no SKU may have. Counted, nothing is booked.</summary>
    UnusableCode,
    /// <summary>Nothing was sold and nothing came back.</summary>
    ZeroQuantity,
    /// <summary>A credit written as a negative price. Money moves, goods do not.</summary>
    NegativePrice,
    /// <summary>Free of charge on somebody's invoice. No order line by the contract's rule, so the units do not move.</summary>
    NoPrice,
    /// <summary>Positive, free, nobody's, on an invoice that sells nothing: the shop found stock. Adjustment upwards.</summary>
    StockFound,
    /// <summary>Negative and free on an invoice that is no cancellation: broken, lost, thrown away. Adjustment downwards as far as there is stock.</summary>
    WriteOff,
    /// <summary>Undoes units of an order that was undone as a whole on the day it was placed: the order is cancelled.</summary>
    CancellationOfOpenOrder,
    /// <summary>Undoes units of an order of the same customer that had been shipped, at least in part: they come back as a return.</summary>
    ReturnOfOrder,
    /// <summary>Undoes units of which the file knows no sale to this customer: sold before the file begins. They come back as a return all the same.</summary>
    ReturnWithoutOrder,
}

/// <summary>
/// The rules that say what each row is, the only place where they stand. Most rows are judged by themselves; free units need to know their
/// invoice, and what goes back needs to know the orders before it (<see cref="RetailPlanner"/>).
/// </summary>
internal static class RetailRules
{
    public static string Name(RetailRule rule) => JsonNamingPolicy.SnakeCaseLower.ConvertName(rule.ToString());

    /// <summary>What the row is by itself, or null when that depends on other rows: see <see cref="OfFreeUnits"/> and <see cref="OfUndoing"/>.</summary>
    public static RetailRule? ByItself(in RetailRow row)
    {
        if (row.Invoice.Length == 0 || row.Quantity is not { } quantity || row.PriceE4 is not { } price) return RetailRule.Unreadable;
        if (row.Code.Length == 0) return RetailRule.NoCode;
        var isProduct = char.IsAsciiDigit(row.Code[0]);
        if (isProduct && !CodeRule.TryNormalize(row.Code, out _)) return RetailRule.UnusableCode;
        // Before everything about the invoice's letter, because the contract defines an order line by these three alone.
        if (isProduct && quantity > 0 && price > 0) return RetailRule.OrderLine;
        if (row.Invoice[0] is 'A' or 'a') return RetailRule.BadDebtAdjustment;
        if (!isProduct) return RetailRule.PseudoProduct;
        if (quantity == 0) return RetailRule.ZeroQuantity;
        if (price < 0) return RetailRule.NegativePrice;
        if (quantity < 0 && price == 0 && !row.IsCancellation) return RetailRule.WriteOff;
        return null;
    }

    /// <summary>Positive units without a price.</summary>
    /// <param name="invoiceSells">The invoice has an order line: these units went along with it.</param>
    public static RetailRule OfFreeUnits(bool invoiceSells, bool hasCustomer, bool isCancellation) =>
        invoiceSells || hasCustomer || isCancellation ? RetailRule.NoPrice : RetailRule.StockFound;

    /// <summary>Negative units of a cancellation, or with a price. A row that concerns several orders is named by the first that applies.</summary>
    public static RetailRule OfUndoing(int unitsOfCancelledOrders, int unitsOfShippedOrders) =>
        unitsOfCancelledOrders > 0 ? RetailRule.CancellationOfOpenOrder
        : unitsOfShippedOrders > 0 ? RetailRule.ReturnOfOrder
        : RetailRule.ReturnWithoutOrder;
}
