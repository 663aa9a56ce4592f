using System.Globalization;
using Stowline.Server.Retail;

namespace Stowline.Tests.Retail;

/// Goal: the whole real file is read, judged and planned as published. Method: the checked sums of its README, and the books must balance.
public sealed class DevelopmentFileTests
{
    private static RetailPlan Plan()
    {
        Assert.NotNull(DevelopmentFile.Path);
        using var file = RetailFile.Open(DevelopmentFile.Path);
        return RetailPlanner.Make(RetailBook.Load(file.Rows()));
    }

    [DevelopmentFileFact]
    public void The_development_file_is_read_and_planned_to_the_last_unit()
    {
        var plan = Plan();
        var totals = plan.Totals;
        Assert.Equal((320_705, 16_459, 2_554, 3_774), (totals.Rows, totals.Invoices, totals.CancellationInvoices, totals.StockCodes));
        Assert.Equal((3_370_170L, -280_688L, 3_089_482L), (totals.UnitsPositive, totals.UnitsNegative, totals.UnitsNet));
        Assert.Equal(5_761_931.38m, Math.Round(totals.ValueE4 / 10_000m, 2));
        Assert.Equal(totals.Rows, totals.Classified.Values.Sum());

        var planned = plan.Planned;
        Assert.Equal((12_383, 311_482, 3_321_960L), (planned.Orders, planned.Lines, planned.UnitsOrdered));
        Assert.Equal(311_482, totals.Classified["order_line"]);
        Assert.Equal(planned.UnitsOrdered, planned.UnitsReceived);
        Steps_carry_what_the_sums_say(plan);
        Every_unit_is_where_its_rule_says(plan);
    }

    [DevelopmentFileFact]
    public void The_documentation_has_the_counts_of_the_development_file()
    {
        var plan = Plan();
        var text = File.ReadAllText(Path.Combine(DevelopmentFile.Repository, "docs", "online-retail.md"));
        Assert.All(plan.Totals.Classified, c => Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"| `{c.Key}` | {c.Value:#,0} |"), text));
        var p = plan.Planned;
        foreach (var (name, value) in new (string, long)[]
        {
            ("orders placed", p.Orders), ("order lines", p.Lines), ("units ordered", p.UnitsOrdered), ("orders cancelled", p.OrdersCancelled),
            ("units cancelled", p.UnitsCancelled), ("orders shipped", p.OrdersShipped), ("units shipped", p.UnitsShipped), ("units received", p.UnitsReceived),
            ("units returned", p.UnitsReturned), ("of them without an order", p.UnitsReturnedWithoutOrder), ("units found", p.UnitsFound),
            ("units written off", p.UnitsWrittenOff), ("write-offs of units that were not there", p.UnitsNotThereToWriteOff), ("units on hand at the end", p.UnitsOnHand),
            ("products", plan.Products.Count),
        })
            Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"| {name} | {value:#,0} |"), text);
    }

    private static void Steps_carry_what_the_sums_say(RetailPlan plan)
    {
        var days = plan.Weeks.SelectMany(w => w.Days).ToList();
        var orders = days.SelectMany(d => d.Orders).ToList();
        // Published: 704 codes on one invoice and 140 invoices with a code at two prices. Postage and free goods are in those; order lines alone give 703 and 117.
        Assert.Equal((704, 703), orders.Select(o => (o.Lines.Count, o.Lines.Select(l => l.Sku).Distinct().Count())).Max());
        Assert.Equal(117, orders.Count(o => o.Lines.GroupBy(l => l.Sku).Any(g => g.Select(l => l.UnitPriceE4).Distinct().Count() > 1)));
        Assert.Equal(plan.Planned.OrdersCancelled, days.Sum(d => d.Cancellations.Count));
        Assert.Equal(plan.Planned.UnitsReceived, plan.Weeks.SelectMany(w => w.Receipts).SelectMany(r => r.Lines).Sum(l => (long)l.Quantity));
        Assert.Equal(plan.Planned.UnitsReturned, days.SelectMany(d => d.Returns).SelectMany(r => r.Lines).Sum(l => (long)l.Quantity));
        Assert.Equal(plan.Planned.UnitsFound - plan.Planned.UnitsWrittenOff, days.SelectMany(d => d.Adjustments).Sum(a => (long)a.Delta));
        var references = days.SelectMany(d => d.Returns.Select(r => r.Reference).Concat(d.Adjustments.Select(a => a.Reference))).ToList();
        Assert.Equal(references.Count, references.Distinct().Count());
        var returned = days.SelectMany(d => d.Returns).Where(r => r.OrderExternalId is not null)
            .SelectMany(r => r.Lines.Select(l => (r.OrderExternalId, l.Sku, l.Quantity))).GroupBy(r => (r.OrderExternalId, r.Sku));
        var ordered = orders.SelectMany(o => o.Lines.Select(l => (o.ExternalId, l.Sku, l.Quantity))).GroupBy(l => (l.ExternalId, l.Sku)).ToDictionary(g => g.Key, g => g.Sum(l => l.Quantity));
        Assert.All(returned, r => Assert.True(r.Sum(x => x.Quantity) <= ordered[(r.Key.OrderExternalId!, r.Key.Sku)]));
    }

    /// <summary>From the file's own units to the plan's: nothing between the two is unexplained.</summary>
    private static void Every_unit_is_where_its_rule_says(RetailPlan plan)
    {
        using var file = RetailFile.Open(DevelopmentFile.Path!);
        long ignoredUp = 0, ignoredDown = 0, free = 0;
        foreach (var row in file.Rows())
        {
            var rule = RetailRules.ByItself(row);
            if (rule is null && row.Quantity > 0) free += row.Quantity.Value;
            if (rule is null or RetailRule.OrderLine or RetailRule.WriteOff) continue;
            if (row.Quantity > 0) ignoredUp += row.Quantity.Value;
            else ignoredDown += row.Quantity!.Value;
        }
        var p = plan.Planned;
        Assert.Equal(plan.Totals.UnitsPositive, p.UnitsOrdered + free + ignoredUp);
        Assert.InRange(p.UnitsFound, 0, free);
        Assert.Equal(-plan.Totals.UnitsNegative, p.UnitsCancelled + p.UnitsReturned + p.UnitsWrittenOff + p.UnitsNotThereToWriteOff - ignoredDown);
        Assert.Equal(p.UnitsCancelled + p.UnitsReturned + p.UnitsFound - p.UnitsWrittenOff, p.UnitsOnHand);
    }

    [DevelopmentFileFact]
    public void Planning_twice_gives_the_same_plan_because_a_resumed_replay_depends_on_it()
    {
        static string Text(RetailPlan plan) => System.Text.Json.JsonSerializer.Serialize(plan);
        Assert.Equal(Text(Plan()), Text(Plan()));
    }
}
