using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Stowline.Tests.Acceptance;
using Stowline.Tests.House;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// Goal: files go in and lists come out on the command line as they do over HTTP. Method: the real executable, on a stopped node and beside a
/// running one.
[Trait("Needs", "server")]
public class CsvCommandTests
{
    private static async Task<(int Status, string Output, string Errors)> RunAsync(string data, string? database, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { Path.Combine(AppContext.BaseDirectory, "stowline.dll") }.Concat(arguments).Concat(["--data", data])) start.ArgumentList.Add(argument);
        if (database is not null) start.Environment["STOWLINE__DATABASE"] = database;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output, await errors);
    }

    private static async Task<(int Status, JsonElement Last)> JsonAsync(string data, string? database, params string[] arguments)
    {
        var (status, output, errors) = await RunAsync(data, database, [.. arguments, "--json"]);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length == 1, output + errors);
        return (status, JsonDocument.Parse(lines[0]).RootElement);
    }

    private static string Sample(string kind) => Path.Combine(Repository.Find(), "docs", "samples", kind + ".csv");

    private static string Counts((int Status, JsonElement Last) run) => run.Status + " " + string.Join(' ', new[] { "created", "updated", "unchanged" }.Select(f => run.Last.GetProperty(f).ToString()));

    [Theory, EveryDatabase]
    public async Task Files_go_in_and_lists_come_out(string store)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync(store);
        await using var _ = drop;
        await using (var server = await RunningServer.StartAsync(folder, database))
        {
            Assert.True((await server.Http.PutAsJsonAsync("sites/WH1", new { name = "W", type = "warehouse" })).IsSuccessStatusCode);
            Assert.True((await server.Http.PutAsJsonAsync("sites/WH1/zones/A", new { type = "storage" })).IsSuccessStatusCode);
            Assert.Equal(0, await server.StopAsync());
        }
        Assert.Equal("0 0 0 0", Counts(await JsonAsync(folder, database, "import", "csv", "products", Sample("products"), "--dry-run")));
        Assert.Equal("0 3 0 0", Counts(await JsonAsync(folder, database, "import", "csv", "products", Sample("products"))));
        Assert.Equal("0 0 0 3", Counts(await JsonAsync(folder, database, "import", "csv", "products", Sample("products"))));
        Assert.Equal("0 2 0 0", Counts(await JsonAsync(folder, database, "import", "csv", "bins", Sample("bins"), "--site", "WH1")));
        Assert.Equal("0 2 0 0", Counts(await JsonAsync(folder, database, "import", "csv", "stock", Sample("stock"), "--site", "WH1")));
        Assert.Equal("0 2 0 0", Counts(await JsonAsync(folder, database, "import", "csv", "orders", Sample("orders"))));

        // What is wrong is told row by row, and the exit status says so.
        var bad = Path.Combine(folder, "bad.csv");
        await File.WriteAllTextAsync(bad, "sku,name,price,price_currency\nA,Mug,x,EUR\n");
        var (status, problem) = await JsonAsync(folder, database, "import", "csv", "products", bad);
        Assert.Equal((1, 1, 2), (status, problem.GetProperty("total").GetInt32(), problem.GetProperty("rows")[0].GetProperty("line").GetInt32()));
        Assert.Equal(1, (await JsonAsync(folder, database, "import", "csv", "people", bad)).Status);
        Assert.Equal(1, (await JsonAsync(folder, database, "import", "csv", "bins", bad)).Status);
        Assert.Equal(1, (await JsonAsync(folder, database, "import", "csv", "bins", bad, "--site", "NONE")).Status);

        await using var running = await RunningServer.StartAsync(folder, database);
        foreach (var (list, address, arguments) in new (string, string, string[])[]
                 {
                     ("products", "products?", []), ("orders", "orders?status=allocated&", ["--filter", "status=allocated"]), ("stock", "sites/WH1/stock?", ["--site", "WH1"]),
                     ("bins", "sites/WH1/bins?", ["--site", "WH1"]), ("picking-tasks", "picking-tasks?site=WH1&", ["--site", "WH1"]), ("workers", "workers?", []),
                 })
        {
            var (exit, output, errors) = await RunAsync(folder, database, ["export", "csv", list, .. arguments]);
            Assert.True(exit == 0, errors);
            Assert.Equal(await running.Http.GetStringAsync(address + "format=csv"), output);
        }
        var file = Path.Combine(folder, "products.csv");
        var (ok, said) = await JsonAsync(folder, database, "export", "csv", "products", "--out", file);
        Assert.Equal((0, new FileInfo(file).Length), (ok, said.GetProperty("bytes").GetInt64()));
        foreach (var arguments in new string[][]
                 {
                     ["people", "--out", file], ["stock", "--out", file], ["stock", "--site", "NONE", "--out", file], ["orders", "--filter", "status=lost", "--out", file],
                     ["products", "--site", "WH1", "--out", file], ["orders", "--filter", "color=red", "--out", file], ["orders"],
                 })
            Assert.Equal(1, (await JsonAsync(folder, database, ["export", "csv", .. arguments])).Status);
        Assert.Equal(said.GetProperty("bytes").GetInt64(), new FileInfo(file).Length);
        Assert.Equal(0, await running.StopAsync());
    }
}
