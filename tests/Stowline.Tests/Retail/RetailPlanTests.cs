using Stowline.Contracts;
using Stowline.Server.Retail;

namespace Stowline.Tests.Retail;

/// Goal: every unit of a file is accounted for, and the plan says when. Method: a few rows, and what has to come of them.
public sealed class RetailPlanTests
{
    private static readonly DateTime Monday = new(2010, 12, 6, 9, 0, 0, DateTimeKind.Utc);

    private static RetailRow Row(string invoice, string sku, int quantity, double hours, decimal price = 1m, string customer = "17850", string text = "THING") =>
        new(2, invoice, sku, text, quantity, Monday.AddHours(hours), (long)(price * 10_000), customer, "France");

    private static RetailPlan Plan(params RetailRow[] rows) => RetailPlanner.Make(RetailBook.Load(rows.Select((r, i) => r with { Line = i + 2 })));

    private static int Rows(RetailPlan plan, RetailRule rule) => plan.Totals.Classified[RetailRules.Name(rule)];
    private static IEnumerable<RetailDay> Days(RetailPlan plan) => plan.Weeks.SelectMany(w => w.Days);

    [Fact]
    public void An_invoice_is_one_order_and_the_same_sku_at_two_prices_stays_two_lines()
    {
        var plan = Plan(Row("1", "10", 2, 0), Row("1", "10", 3, 0, 0.5m), Row("1", "POST", 1, 0), Row("1", "11", 1, 0));
        var order = Assert.Single(Assert.Single(Days(plan)).Orders);
        Assert.Equal(("1", "17850", "FR", Monday), (order.ExternalId, order.Customer, order.Country, order.At));
        Assert.Equal([new PlannedOrderLine("10", 2, 10_000), new("10", 3, 5_000), new("11", 1, 10_000)], order.Lines);
        Assert.Equal((1, 3, 6L), (plan.Planned.Orders, plan.Planned.Lines, plan.Planned.UnitsOrdered));
    }

    [Fact]
    public void A_week_receives_what_its_order_lines_need_summed_by_sku()
    {
        var plan = Plan(Row("1", "10", 2, 0), Row("2", "10", 3, 24), Row("2", "11", 1, 24), Row("3", "10", 7, 7 * 24));
        Assert.Equal(["2010-W49", "2010-W50"], plan.Weeks.Select(w => w.Name));
        Assert.Equal([new SkuUnits("10", 5), new SkuUnits("11", 1)], Assert.Single(plan.Weeks[0].Receipts).Lines);
        Assert.Equal([new SkuUnits("10", 7)], Assert.Single(plan.Weeks[1].Receipts).Lines);
        Assert.Equal(plan.Planned.UnitsOrdered, plan.Planned.UnitsReceived);
    }

    [Fact]
    public void A_receipt_is_cut_into_documents_with_references_of_their_own()
    {
        var rows = Enumerable.Range(10, 5).Select(i => Row("1", $"{i}", 1, 0));
        var plan = RetailPlanner.Make(RetailBook.Load(rows), linesPerReceipt: 2);
        Assert.Equal([("2010-W49/1", 2), ("2010-W49/2", 2), ("2010-W49/3", 1)], plan.Weeks[0].Receipts.Select(r => (r.Reference, r.Lines.Count)));
    }

    [Fact]
    public void An_order_undone_as_a_whole_on_its_day_is_cancelled_even_by_two_invoices()
    {
        var plan = Plan(Row("1", "10", 2, 0), Row("1", "11", 3, 0), Row("C2", "10", -2, 1), Row("C3", "11", -3, 2));
        var day = Assert.Single(Days(plan));
        Assert.Equal(new PlannedCancellation("1", Monday.AddHours(2), "cancelled by invoice C2, C3"), Assert.Single(day.Cancellations));
        Assert.Empty(day.Returns);
        Assert.Equal((2, 1, 5L, 0), (Rows(plan, RetailRule.CancellationOfOpenOrder), plan.Planned.OrdersCancelled, plan.Planned.UnitsOnHand, plan.Planned.OrdersShipped));
    }

    [Theory]
    [InlineData(-1, 1)] // the same day, but a part only
    [InlineData(-2, 24)] // all of it, but the next day
    public void What_has_been_shipped_comes_back_as_a_return(int units, double hours)
    {
        var plan = Plan(Row("1", "10", 2, 0), Row("C2", "10", units, hours));
        Assert.Empty(Days(plan).SelectMany(d => d.Cancellations));
        var back = Assert.Single(Days(plan).SelectMany(d => d.Returns));
        Assert.Equal(("C2", "1", PlannedReturn.AfterShipping), (back.Reference, back.OrderExternalId, back.Reason));
        Assert.Equal([new SkuUnits("10", -units)], back.Lines);
        Assert.Equal(1, Rows(plan, RetailRule.ReturnOfOrder));
    }

    [Fact]
    public void A_cancellation_takes_the_most_recent_order_with_enough_units_left()
    {
        var plan = Plan(Row("1", "10", 9, 0), Row("2", "10", 8, 24), Row("3", "10", 2, 48), Row("C4", "10", -5, 72), Row("C5", "10", -5, 73));
        Assert.Equal([("C4", "2"), ("C5", "1")], Days(plan).SelectMany(d => d.Returns).Select(r => (r.Reference, r.OrderExternalId)));
    }

    [Fact]
    public void A_cancellation_that_no_order_holds_is_spread_and_its_rest_comes_back_without_an_order()
    {
        var plan = Plan(Row("1", "10", 2, 0), Row("2", "10", 3, 1), Row("C3", "10", -9, 48));
        Assert.Equal([("C3/2", "2", 3), ("C3/1", "1", 2), ("C3", null, 4)],
            Days(plan).SelectMany(d => d.Returns).Select(r => (r.Reference, r.OrderExternalId, r.Lines[0].Quantity)));
        Assert.Equal((1, 9L, 4L), (Rows(plan, RetailRule.ReturnOfOrder), plan.Planned.UnitsReturned, plan.Planned.UnitsReturnedWithoutOrder));
    }

    [Theory]
    [InlineData("12345", "12345", "11")] // another SKU
    [InlineData("12345", "99999", "10")] // another customer
    [InlineData("", "", "10")] // nobody is not a customer
    public void Goods_that_nobody_is_known_to_have_bought_come_back_all_the_same(string buyer, string returner, string sku)
    {
        var plan = Plan(Row("1", "10", 2, 0, customer: buyer), Row("C2", sku, -2, 1, customer: returner));
        var back = Assert.Single(Days(plan).SelectMany(d => d.Returns));
        Assert.Equal(("C2", null, PlannedReturn.WithoutOrder), (back.Reference, back.OrderExternalId, back.Reason));
        Assert.Equal((1, 2L), (Rows(plan, RetailRule.ReturnWithoutOrder), plan.Planned.UnitsOnHand));
    }

    [Fact]
    public void A_write_off_takes_what_no_order_needs_and_the_rest_is_reported()
    {
        // Two came back; the five received for Friday's order must not be touched.
        var plan = Plan(Row("C1", "10", -2, 0), Row("2", "10", -4, 1, 0, "", "smashed"), Row("3", "10", 5, 96));
        var taken = Assert.Single(Days(plan).SelectMany(d => d.Adjustments));
        Assert.Equal(("2/3", "10", -2, "smashed"), (taken.Reference, taken.Sku, taken.Delta, taken.Reason));
        Assert.Equal((2L, 2L, 0L), (plan.Planned.UnitsWrittenOff, plan.Planned.UnitsNotThereToWriteOff, plan.Planned.UnitsOnHand));
    }

    [Fact]
    public void Found_stock_goes_up_and_free_goods_of_a_customer_do_not_move()
    {
        var plan = Plan(Row("1", "10", 4, 0, 0, "", ""), Row("2", "10", 1, 1), Row("2", "11", 1, 1, 0), Row("3", "10", -3, 2, 0, ""));
        Assert.Equal([4, -3], Days(plan).SelectMany(d => d.Adjustments).Select(a => a.Delta));
        Assert.Equal((1, 1, 1, 1), (Rows(plan, RetailRule.StockFound), Rows(plan, RetailRule.NoPrice), Rows(plan, RetailRule.WriteOff), Rows(plan, RetailRule.OrderLine)));
        Assert.Equal(1, plan.Planned.UnitsOnHand);
    }

    [Fact]
    public void Rows_of_an_invoice_need_not_stand_together_nor_in_order_of_time()
    {
        var plan = Plan(Row("C3", "10", -1, 48), Row("2", "10", 1, 24), Row("1", "10", 1, 0), Row("2", "11", 1, 24.1));
        Assert.Equal(["1", "2"], Days(plan).SelectMany(d => d.Orders).Select(o => o.ExternalId));
        Assert.Equal("2", Assert.Single(Days(plan).SelectMany(d => d.Returns)).OrderExternalId);
    }

    [Fact]
    public void A_row_without_a_date_belongs_to_the_moment_of_the_row_above()
    {
        var plan = Plan(Row("1", "10", 1, 30), Row("2", "10", 1, 0) with { At = null });
        Assert.Equal(2, Assert.Single(Days(plan)).Orders.Count);
    }

    [Fact]
    public void A_product_has_its_most_frequent_name_from_sales_and_its_last_price()
    {
        var plan = Plan(Row("1", "10", 1, 0, 2m, text: "MUG"), Row("2", "10", 1, 0, 3m, text: "MUG"), Row("3", "10", 1, 0, 2.5m, text: "CUP"),
            Row("4", "10", -1, 1, 0, text: "?"), Row("5", "10", -1, 1, 0, text: "?"), Row("6", "10", -1, 1, 0, text: "?"), Row("7", "12", 5, 0, 0, text: ""), Row("8", "POST", 1, 0));
        Assert.Equal([new RetailProduct("10", "MUG", 25_000, 3), new RetailProduct("12", "12", null, 0)], plan.Products);
    }

    [Fact]
    public void Every_row_falls_under_one_rule()
    {
        var plan = Plan(Row("1", "10", 1, 0), Row("", "10", 1, 0), Row("1", "", 1, 0), Row("1", "POST", 1, 0), Row("C1", "10", -1, 0), Row("3", "10", -1, 0, 0), Row("A1", "B", 1, 0, -1));
        Assert.Equal(7, plan.Totals.Classified.Values.Sum());
        Assert.Equal((7, 4), (plan.Totals.Rows, plan.Totals.Invoices));
        Assert.Equal((5L, -2L, 3L), (plan.Totals.UnitsPositive, plan.Totals.UnitsNegative, plan.Totals.UnitsNet));
    }
}
