using Stowline.Server.Pizza;
using Stowline.Server.Retail;
using Stowline.Kernel;
using Stowline.Tests.Support;

namespace Stowline.Tests.Kitchen;

/// Goal: the real file runs through slots, tickets and cooks, and its numbers come out of the books. Method: the file of the shared data, SQLite; small made-up folders for what is wrong.
public class PizzaTests
{
    /// <summary>The data set, where it is here.</summary>
    internal static readonly string? Folder = Find();

    private static string? Find()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
            foreach (var root in new[] { Path.Combine(at.FullName, "shared"), Path.Combine(at.FullName, "..", "shared") })
                if (Directory.Exists(Path.Combine(root, "data", "orders", "pizza"))) return Path.Combine(root, "data", "orders", "pizza");
        return null;
    }

    private static async Task<PizzaReport> ReplayAsync(string store, string folder, long? capacity, int? most = null)
    {
        var menu = PizzaFiles.ReadMenu(folder);
        var orders = PizzaFiles.ReadOrders(folder, menu);
        if (most is { } n) orders = [.. orders.Take(n)];
        var time = new PizzaTime(orders[0].At.AddHours(-1));
        var (database, path, _) = await TestNode.NewDatabaseAsync(store, time);
        await using var node = await Node.OpenAsync(database);
        node.Start();
        var calls = new NodeCalls(node);
        await new PizzaImport(calls, "PIZZA").RunAsync(menu, default);
        var report = await new PizzaReplay(calls, time, "PIZZA", default).RunAsync(menu, orders, capacity, default);
        // A second run finds everything there and changes nothing.
        var again = await new PizzaReplay(calls, time, "PIZZA", default).RunAsync(menu, [.. orders.Take(50)], capacity, default);
        Assert.Equal((Math.Min(50, orders.Count), report.Ingredients.Values.Sum()), (again.Orders, again.Ingredients.Values.Sum()));
        return report;
    }

    [Fact]
    [Trait("Needs", "server")] // not for the minute before a commit
    public async Task The_real_file_gives_its_own_numbers_and_no_slot_is_over_fifteen()
    {
        if (Folder is null) return;
        var report = await ReplayAsync("sqlite", Folder, 15);
        Assert.Equal((14571, 32960, 33600L, 554555.90m, 0), (report.Orders, report.Lines, report.Pizzas, report.Revenue, report.Refused));
        Assert.Equal((65, 19020L, 7137L), (report.Ingredients.Count, report.Ingredients["Garlic"], report.Ingredients["Pepperoni"]));
        Assert.Equal((15L, 14571, "ok"), (report.MaxLoad, report.Delivered, report.Verify));
        Assert.InRange(report.Shifted, 1, 14571);
    }

    [Theory, EveryDatabase]
    [Trait("Needs", "server")]
    public async Task Some_days_without_a_limit_load_slots_as_the_file_did(string store)
    {
        if (Folder is null) return;
        var menu = PizzaFiles.ReadMenu(Folder);
        var orders = PizzaFiles.ReadOrders(Folder, menu).Take(300).ToList();
        var expected = orders.GroupBy(o => o.At.UtcTicks / TimeSpan.FromMinutes(15).Ticks).Max(g => g.Sum(o => o.Lines.Sum(l => l.Quantity)));
        var report = await ReplayAsync(store, Folder, null, 300);
        Assert.Equal((300, 0, (long)expected, "ok"), (report.Orders, report.Shifted, report.MaxLoad, report.Verify));
        // Every number is the file's own, counted here without any of the code that is tested but the reading.
        var (prices, types) = (menu.Variants.ToDictionary(v => v.Id), menu.Types.ToDictionary(t => t.Id));
        var lines = orders.SelectMany(o => o.Lines).ToList();
        Assert.Equal((lines.Count, lines.Sum(l => (long)l.Quantity), lines.Sum(l => l.Quantity * prices[l.Pizza].Price), 300, 0),
            (report.Lines, report.Pizzas, report.Revenue, report.Delivered, report.Refused));
        var uses = lines.SelectMany(l => types[prices[l.Pizza].Type].Ingredients.Select(i => (Ingredient: i, l.Quantity))).GroupBy(u => u.Ingredient).ToDictionary(g => g.Key, g => g.Sum(u => (long)u.Quantity));
        Assert.Equal(uses.OrderBy(u => u.Key, StringComparer.Ordinal), report.Ingredients.OrderBy(u => u.Key, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("orders.csv", "order_id,date,time\n1,2015-01-01,11:61:00\n", "orders.csv line 2: '2015-01-01 11:61:00' is no date and time")]
    [InlineData("orders.csv", "order_id,date\n1,2015-01-01\n", "orders.csv has no column time")]
    [InlineData("order_details.csv", "order_id,pizza_id,quantity\n1,marg_s,x\n", "order_details.csv line 2: 'x' is no quantity")]
    [InlineData("order_details.csv", "order_id,pizza_id,quantity\n2,marg_s,1\n", "order_details.csv line 2: there is no order 2")]
    [InlineData("order_details.csv", "order_id,pizza_id,quantity\n1,nope_s,1\n", "order_details.csv line 2: pizzas has no nope_s")]
    [InlineData("order_details.csv", "order_id,pizza_id,quantity\n", "order 1 has no lines")]
    [InlineData("pizzas.csv", "pizza_id,pizza_type_id,size,price\nmarg_s,marg,S,dear\n", "pizzas.csv line 2: 'dear' is no price")]
    [InlineData("pizzas.csv", null, "has no pizzas.csv")]
    public void What_is_wrong_with_a_file_is_named(string file, string? text, string message)
    {
        var folder = Directory.CreateTempSubdirectory("stowline-test-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "pizza_types.csv"), "pizza_type_id,name,category,ingredients\nmarg,Margherita,Classic,\"Dough, Cheese\"\n");
            File.WriteAllText(Path.Combine(folder, "pizzas.csv"), "pizza_id,pizza_type_id,size,price\nmarg_s,marg,S,9.5\n");
            File.WriteAllText(Path.Combine(folder, "orders.csv"), "order_id,date,time\n1,2015-01-01,11:00:00\n");
            File.WriteAllText(Path.Combine(folder, "order_details.csv"), "order_id,pizza_id,quantity\n1,marg_s,2\n");
            Assert.Single(PizzaFiles.ReadOrders(folder, PizzaFiles.ReadMenu(folder)));
            if (text is null) File.Delete(Path.Combine(folder, file));
            else File.WriteAllText(Path.Combine(folder, file), text);
            var wrong = Assert.Throws<InvalidDataException>(() => PizzaFiles.ReadOrders(folder, PizzaFiles.ReadMenu(folder)));
            Assert.Contains(message, wrong.Message);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
