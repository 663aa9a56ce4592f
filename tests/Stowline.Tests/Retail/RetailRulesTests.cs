using Stowline.Server.Retail;

namespace Stowline.Tests.Retail;

/// Goal: every row is exactly one thing, and the contract's order line is never anything else. Method: the whole rule on one screen.
public sealed class RetailRulesTests
{
    [Theory]
    [InlineData("536365", "85123A", 6, 25_500L, "OrderLine")]
    [InlineData("C536365", "85123A", 6, 25_500L, "OrderLine")] // the contract looks at quantity, price and code alone
    [InlineData("536365", "POST", 1, 180_000L, "PseudoProduct")]
    [InlineData("C536379", "D", -1, 275_000L, "PseudoProduct")]
    [InlineData("536365", "gift_0001_20", 1, 166_000L, "PseudoProduct")]
    [InlineData("537000", "DCGS0069", -5, 0L, "PseudoProduct")]
    [InlineData("A563186", "B", 1, -110_620_600L, "BadDebtAdjustment")]
    [InlineData("536365", "85123A", 0, 25_500L, "ZeroQuantity")]
    [InlineData("536365", "85123A", 1, -1L, "NegativePrice")]
    [InlineData("536589", "21777", -10, 0L, "WriteOff")]
    [InlineData("536365", "", 6, 25_500L, "NoCode")]
    [InlineData("", "85123A", 6, 25_500L, "Unreadable")]
    [InlineData("536365", "85123A", null, 25_500L, "Unreadable")]
    [InlineData("536365", "85123A", 6, null, "Unreadable")]
    [InlineData("536365", "85123*", 6, 25_500L, "UnusableCode")]
    [InlineData("536414", "22139", 56, 0L, null)] // free: depends on its invoice
    [InlineData("C536383", "35004C", -1, 46_500L, null)] // goes back: depends on the orders before
    [InlineData("C536383", "35004C", -1, 0L, null)]
    [InlineData("536383", "35004C", -1, 46_500L, null)]
    public void A_row_by_itself(string invoice, string code, int? quantity, long? priceE4, string? rule) =>
        Assert.Equal(rule, RetailRules.ByItself(new RetailRow(2, invoice, code, "", quantity, null, priceE4, "", "UK"))?.ToString());

    [Theory]
    [InlineData(false, false, false, "StockFound")]
    [InlineData(true, false, false, "NoPrice")]
    [InlineData(false, true, false, "NoPrice")]
    [InlineData(false, false, true, "NoPrice")]
    public void Free_units_were_found_only_when_nobody_bought_anything(bool invoiceSells, bool hasCustomer, bool isCancellation, string rule) =>
        Assert.Equal(rule, RetailRules.OfFreeUnits(invoiceSells, hasCustomer, isCancellation).ToString());

    [Theory]
    [InlineData(1, 0, "CancellationOfOpenOrder")]
    [InlineData(1, 9, "CancellationOfOpenOrder")]
    [InlineData(0, 1, "ReturnOfOrder")]
    [InlineData(0, 0, "ReturnWithoutOrder")]
    public void Undone_units_are_named_by_the_order_they_came_from(int cancelled, int shipped, string rule) =>
        Assert.Equal(rule, RetailRules.OfUndoing(cancelled, shipped).ToString());

    [Theory]
    [InlineData("EIRE", "IE")]
    [InlineData("United Kingdom", "GB")]
    [InlineData("Channel Islands", "JE")]
    [InlineData("Unspecified", null)]
    [InlineData("European Community", null)]
    public void Countries_get_their_code(string name, string? code) => Assert.Equal(code, Countries.Alpha2(name));
}
