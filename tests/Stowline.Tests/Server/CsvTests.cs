using System.Net;
using System.Text;
using System.Text.Json;
using Stowline.Hub.Access;
using Stowline.Server.Csv;
using Stowline.Tests.House;
using Stowline.Tests.Support;
using static Stowline.Tests.Server.KeysTests;

namespace Stowline.Tests.Server;

/// Goal: files go in whole or not at all, come out whole, and do no harm. Method: a stranger's calls over real HTTP on both databases.
[Trait("Needs", "server")]
public class CsvTests
{
    private static string Sample(string name) => File.ReadAllText(Path.Combine(Repository.Find(), "docs", "samples", name));

    private static async Task<JsonElement> ImportAsync(ServerNode node, string kind, string csv, int status = 200, string query = "") =>
        await JsonAsync(node.SendAsync("POST", $"/api/v1/imports/{kind}?{query}", csv, "text/csv"), status);

    private static async Task<string> ExportAsync(ServerNode node, string path)
    {
        using var answer = await node.SendAsync("GET", "/api/v1/" + path, headers: ("Accept", "text/csv"));
        Assert.Equal((HttpStatusCode.OK, "text/csv"), (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType));
        return await answer.Content.ReadAsStringAsync();
    }

    private static string Counts(JsonElement result) => string.Join(' ', new[] { "created", "updated", "unchanged" }.Select(f => result.GetProperty(f).GetInt32()));

    private static async Task SiteAsync(ServerNode node)
    {
        await JsonAsync(node.SendAsync("PUT", "/api/v1/sites/WH1", """{"name":"W","type":"warehouse"}"""));
        await JsonAsync(node.SendAsync("PUT", "/api/v1/sites/WH1/zones/A", """{"type":"storage"}"""));
    }

    [Theory, EveryDatabase]
    public async Task The_samples_go_in_and_a_second_time_change_nothing(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        await SiteAsync(node);
        foreach (var (kind, query, first, again) in new[]
                 {
                     ("products", "", "3 0 0", "0 0 3"), ("bins", "site=WH1", "2 0 0", "0 2 0"), ("stock", "site=WH1", "2 0 0", "0 0 2"), ("orders", "", "2 0 0", "0 0 2"),
                 })
        {
            var csv = Sample(kind + ".csv");
            Assert.Equal("0 0 0", Counts(await ImportAsync(node, kind, csv, query: query + "&dry_run=true")));
            Assert.Equal(first, Counts(await ImportAsync(node, kind, csv, query: query)));
            Assert.Equal(again, Counts(await ImportAsync(node, kind, csv, query: query)));
        }
        Assert.Equal(2, (await node.GetAsync("/api/v1/orders")).GetProperty("items").GetArrayLength());
        Assert.Equal(3, (await node.GetAsync("/api/v1/sites/WH1/movements")).GetProperty("items").EnumerateArray().Count(m => m.GetProperty("kind").GetString() == "receiving"));

        var products = await ExportAsync(node, "products");
        Assert.Equal("0 0 3", Counts(await ImportAsync(node, "products", products)));
        Assert.Equal(products, await ExportAsync(node, "products"));
        var bins = await ExportAsync(node, "sites/WH1/bins");
        await ImportAsync(node, "bins", bins, query: "site=WH1");
        Assert.Equal(bins, await ExportAsync(node, "sites/WH1/bins"));
        Assert.True((await node.GetAsync("/api/v1/system/verify")).GetProperty("ok").GetBoolean());
    }

    [Theory, EveryDatabase]
    public async Task A_menu_comes_in_as_csv_or_json_and_only_what_differs_is_written(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        Assert.Equal("0 0 0", Counts(await ImportAsync(node, "menu", Sample("menu.csv"), query: "dry_run=true")));
        Assert.Equal("2 0 0", Counts(await ImportAsync(node, "menu", Sample("menu.csv"))));
        Assert.Equal("0 0 2", Counts(await ImportAsync(node, "menu", Sample("menu.csv"))));
        var dish = await node.GetAsync("/api/v1/menu/margherita");
        Assert.Equal(["marg-l Dough:300 Mozzarella:120", "marg-s Dough:200 Mozzarella:80", "olives Olives:30"], dish.GetProperty("items").EnumerateArray().Select(i =>
            i.GetProperty("sku").GetString() + string.Concat(i.GetProperty("uses").EnumerateArray().Select(u => $" {u.GetProperty("sku").GetString()}:{u.GetProperty("quantity").GetInt32()}"))));
        // A price is the product's, and an extra the dish's.
        Assert.Equal("0 1 1", Counts(await ImportAsync(node, "menu", Sample("menu.csv").Replace("1.20", "1.30"))));
        Assert.Equal("0 1 1", Counts(await ImportAsync(node, "menu", Sample("menu.csv").Replace("Olives:30", "Olives:40"))));

        async Task<JsonElement> JsonFileAsync(string json, int status = 200) => await JsonAsync(node.SendAsync("POST", "/api/v1/imports/menu", json), status);
        const string Soup = """{"dish":"soup","name":"Soup of the day","category":"Starter","station":"stove","variants":[{"sku":"soup","price":{"amount":"5","currency":"EUR"},"work_minutes":2}]}""";
        Assert.Equal("0 0 1", Counts(await JsonFileAsync($$"""{"items":[{{Soup}}]}""")));
        Assert.Equal("1 0 1", Counts(await JsonFileAsync($$"""{"items":[{{Soup}},{{Soup.Replace("soup", "stew")}}]}""")));

        var wrong = await ImportAsync(node, "menu", "dish,kind,sku,price,price_currency,dish_name,ingredients\na,,x,1,EUR,A,Dough:much\nb,,y,-1,EUR,B,\nb,extra,z,1,EUR,,\nc,extra,e,1,EUR,C,\nd,side,f,1,EUR,D,\n,,g,1,EUR,,\n", 400);
        Assert.Equal(["2 ingredients", "6 kind", "7 dish"], Rows(wrong));
        wrong = await ImportAsync(node, "menu", "dish,kind,sku,price,price_currency,dish_name,work_minutes\nb,,y,-1,EUR,B,\nb,extra,z,1,EUR,,-5\nc,extra,e,1,EUR,C,\nd,,y,1,EUR,,\n", 400);
        Assert.Equal(["2 price", "3 work_minutes", "4 kind", "5 dish_name", "5 sku"], Rows(wrong));
        Assert.Equal(["1 dish"], Rows(await JsonFileAsync("""{"items":[{"name":"x"}]}""", 400)));
        Assert.Equal(["2 variants[0].price"], Rows(await JsonFileAsync($$"""{"items":[{{Soup}},{"dish":"x","name":"x","variants":[{"sku":"x"}] }]}""", 400)));
        Assert.Equal(404, (int)(await node.SendAsync("GET", "/api/v1/menu/b")).StatusCode);
    }

    private static IEnumerable<string> Rows(JsonElement problem) => problem.GetProperty("rows").EnumerateArray().Select(r => $"{r.GetProperty("line").GetInt32()} {r.GetProperty("field").GetString()}");

    [Theory, EveryDatabase]
    public async Task Every_bad_row_is_told_and_nothing_is_written(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        await SiteAsync(node);
        var problem = await ImportAsync(node, "products", "SKU;Name;Price;price_currency;weight_g\r\nA;Mug;1,50;EUR;1\r\n;Cup;1.00;EUR;\r\nB;Jug;1.00;eur;x\r\nC;Pan;1.00;EUR;\r\nC;Pan;1.00;EUR;\r\n", 400);
        Assert.Equal("invalid_rows", problem.GetProperty("code").GetString());
        Assert.Equal(["2 price", "3 sku", "4 price_currency", "4 weight_g", "6 sku"],
            problem.GetProperty("rows").EnumerateArray().Select(r => $"{r.GetProperty("line")} {r.GetProperty("field").GetString()}").Order());
        Assert.Equal(5, problem.GetProperty("total").GetInt32());
        Assert.Empty((await node.GetAsync("/api/v1/products")).GetProperty("items").EnumerateArray());

        await ImportAsync(node, "products", "\uFEFFsku,name,price,price_currency\nA,\"Mug, \"\"big\"\"\nand round\",1.5,EUR\n");
        var stock = await ImportAsync(node, "stock", "reference,sku,quantity,bin\nR1,A,5,\nR1,Z,5,\nR2,A,-5,\nR3,A,1,NONE\nR4,A,1,STAGING\n", 400, "site=WH1");
        Assert.Equal(["4 quantity"], stock.GetProperty("rows").EnumerateArray().Select(r => $"{r.GetProperty("line")} {r.GetProperty("field").GetString()}"));
        stock = await ImportAsync(node, "stock", "reference,sku,quantity,bin\nR1,A,5,\nR1,Z,5,\nR3,A,1,NONE\nR4,A,1,STAGING\n", 400, "site=WH1&dry_run=true");
        Assert.Equal(["3 sku", "4 bin", "5 bin"], stock.GetProperty("rows").EnumerateArray().Select(r => $"{r.GetProperty("line")} {r.GetProperty("field").GetString()}"));
        Assert.Empty((await node.GetAsync("/api/v1/sites/WH1/movements")).GetProperty("items").EnumerateArray());
        var orders = await ImportAsync(node, "orders", "external_id,sku,quantity\n1,A,1\n1,Z,1\n2,A,0\n", 400);
        Assert.Equal(["3 sku", "4 quantity"], orders.GetProperty("rows").EnumerateArray().Select(r => $"{r.GetProperty("line")} {r.GetProperty("field").GetString()}"));
        var refused = (await ImportAsync(node, "orders", "external_id,sku,quantity\n1,A,1\n")).GetProperty("refused")[0];
        Assert.Equal("2 insufficient_stock", $"{refused.GetProperty("line")} {refused.GetProperty("code").GetString()}");
    }

    /// Goal: nothing a file can hold is answered with 500, and nothing of it stays.
    [Theory, EveryDatabase]
    public async Task Hostile_files_are_refused(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        const string header = "sku,name,price,price_currency\n";
        byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
        byte[][] files =
        [
            [], Utf8("\n\n"), Utf8(header), [.. Utf8(header), .. Encoding.Latin1.GetBytes("A,Müg,1.00,EUR\n")], Utf8(header + "A\0B,Mug,1.00,EUR\n"),
            Utf8(header + "A,M\0ug,1.00,EUR\n"), Utf8(string.Join(',', Enumerable.Range(0, 10_000).Select(i => "c" + i)) + "\n"), Utf8(header + "A,\"Mug,1.00,EUR\nB,Cup,1.00,EUR\n"),
            Utf8(header + "A," + new string('x', 5_000_000) + ",1.00,EUR\n"), Utf8(header + "A,Mug,1.00\n"), Utf8(header + "A,Mug,1.00,EUR,more\n"), Utf8("sku,sku,name,price,price_currency\n"),
            Utf8(header + "A,Mug,1e400,EUR\n"), Utf8("{\"sku\":1}"), Utf8(header + string.Concat(Enumerable.Repeat(",,,\n", 3_000))),
        ];
        for (var i = 0; i < files.Length; i++)
        {
            using var content = new ByteArrayContent(files[i]) { Headers = { { "Content-Type", "text/csv" } } };
            var problem = await JsonAsync(node.Http.PostAsync("/api/v1/imports/products", content), 400);
            Assert.True(problem.GetProperty("code").GetString() == "invalid_rows", $"file {i}: {problem}");
            Assert.InRange(problem.GetProperty("rows").GetArrayLength(), 1, 1_000);
        }
        Assert.Equal(415, (int)(await node.SendAsync("POST", "/api/v1/imports/products", "{}")).StatusCode);
        await ImportAsync(node, "stock", "", 400);
        await ImportAsync(node, "stock", "", 404, "site=NONE");
        Assert.Empty((await node.GetAsync("/api/v1/products")).GetProperty("items").EnumerateArray());
    }

    [Theory, EveryDatabase]
    public async Task A_list_comes_out_whole_with_its_filters(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        await SiteAsync(node);
        var csv = new StringBuilder("sku,name,price,price_currency,seller\n");
        for (var i = 0; i < 450; i++) csv.Append($"P{i:D4},{(i == 7 ? "=1+1" : "Mug")},1.00,EUR,{(i % 2 == 0 ? "even" : "odd")}\n");
        await ImportAsync(node, "products", csv.ToString());
        Assert.Equal(451, (await ExportAsync(node, "products?limit=1")).Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
        var odd = (await ExportAsync(node, "products?seller=odd&format=csv")).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(226, odd.Length);
        Assert.StartsWith("sku,name,price,price_currency,seller,", odd[0]);
        Assert.Contains(odd, l => l.StartsWith("P0007,'=1+1,1.00,EUR,odd,", StringComparison.Ordinal));
        Assert.Equal("=1+1", (await node.GetAsync("/api/v1/products/P0007")).GetProperty("name").GetString());
        Assert.Equal(400, (int)(await node.SendAsync("GET", "/api/v1/products?format=xml")).StatusCode);
        Assert.Equal(400, (int)(await node.SendAsync("GET", "/api/v1/orders?format=csv&status=lost")).StatusCode);
        Assert.Equal(404, (int)(await node.SendAsync("GET", "/api/v1/sites/NONE/stock?format=csv")).StatusCode);
        foreach (var path in new[]
                 {
                     "sites", "sites/WH1/zones", "sites/WH1/bins", "sites/WH1/stock", "sites/WH1/movements", "sites/WH1/returns", "sites/WH1/policies", "orders", "availability",
                     "picking-tasks", "packing-tasks", "put-back-tasks", "shipments", "keys", "system/parked",
                 })
            Assert.Contains(',', (await ExportAsync(node, path)).Split("\r\n")[0]);
    }

    [Fact]
    public async Task A_key_imports_and_exports_what_it_may_read_and_write()
    {
        await using var node = await ServerNode.StartAsync(auth: "keys");
        var boss = await MakeAsync(node.Node, "boss", [KeyScope.Admin]);
        foreach (var site in new[] { "WH1", "WH2" }) await JsonAsync(CallAsync(node, boss, "PUT", "/api/v1/sites/" + site, """{"name":"W","type":"warehouse"}"""));
        var (clerk, one) = (await MakeAsync(node.Node, "clerk", [KeyScope.Orders]), await MakeAsync(node.Node, "one", [KeyScope.Stock], "WH1"));
        async Task<int> PostAsync(string key, string path) => (int)(await node.SendAsync("POST", "/api/v1/imports/" + path, "x", "text/csv", ("Authorization", "Bearer " + key))).StatusCode;
        Assert.Equal((403, 403, 400), (await PostAsync(clerk, "products"), await PostAsync(clerk, "stock?site=WH1"), await PostAsync(clerk, "orders")));
        Assert.Equal((403, 403, 403, 400), (await PostAsync(one, "products"), await PostAsync(one, "orders"), await PostAsync(one, "stock?site=WH2"), await PostAsync(one, "stock?site=WH1")));
        Assert.Equal(403, await PostAsync(one, "stock?site=WH1&site=WH2"));
        Assert.Equal(403, (int)(await CallAsync(node, one, "GET", "/api/v1/sites/WH2/stock?format=csv")).StatusCode);
        Assert.Equal(403, (int)(await CallAsync(node, clerk, "GET", "/api/v1/keys?format=csv")).StatusCode);
        Assert.Equal(200, (int)(await CallAsync(node, one, "GET", "/api/v1/sites/WH1/stock?format=csv")).StatusCode);
    }

    /// Goal: an import that was cut off ends as if nothing had happened. Method: it is stopped by its own progress in the middle, then run again.
    [Theory, EveryDatabase]
    public async Task An_import_that_was_interrupted_is_run_again_without_doubles(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        await SiteAsync(node);
        await ImportAsync(node, "products", "sku,name,price,price_currency\nA,Mug,1.00,EUR\n");
        var csv = "reference,sku,quantity\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"R{i},A,1\n"));
        using var stop = new CancellationTokenSource();
        var target = CsvEndpoints.Target("stock", "WH1", new Stowline.Server.Retail.NodeCalls(node.Node), new Stowline.Log.Caller("t"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => CsvImport.RunAsync(target, new MemoryStream(Encoding.UTF8.GetBytes(csv)), false, (done, _) => { if (done > 20) stop.Cancel(); }, stop.Token));
        var again = await ImportAsync(node, "stock", csv, query: "site=WH1");
        Assert.InRange(again.GetProperty("unchanged").GetInt32(), 20, 59);
        Assert.Equal(60, (await node.GetAsync("/api/v1/sites/WH1/stock")).GetProperty("items")[0].GetProperty("on_hand").GetInt32());
    }

    [Theory]
    [InlineData("=1"), InlineData("'=1"), InlineData("''-x"), InlineData("'x"), InlineData("x"), InlineData("-"), InlineData("")]
    public void Guarded_text_comes_back_as_it_was(string text)
    {
        Assert.Equal(text, CsvText.Bare(CsvText.Guard(text)));
        Assert.False(CsvText.Guard(text).AsSpan().IndexOfAny("=+-@") == 0);
    }
}
