using System.Diagnostics;
using System.Net.Http.Json;
using Stowline.Tests.House;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// Goal: any gRPC client gets along with this node. Method: the official clients for Node and Python, which are nobody's here, run their checks
/// against it over TCP: unary calls, streams, deadlines, cancellation, large and broken messages, 64 calls at once, every method of the warehouse.
[Trait("Needs", "server")]
public class GrpcForeignClients
{
    private static readonly string Folder = Path.Combine(Repository.Find(), "tests", "grpc-clients");

    [Theory, EveryDatabase]
    public async Task The_client_for_Node_is_content(string store)
    {
        if (!IsThere("node") || !Directory.Exists(Path.Combine(Folder, "node_modules"))) { MustNotBeMissing(); return; }
        await using var node = await FilledAsync(store);
        var protos = await WriteProtosAsync(node);
        try
        {
            await RunAsync("node", [Path.Combine(Folder, "check.mjs"), node.Url.Authority, protos], checks: 16);
            await AllStreamsEndAsync(node);
        }
        finally
        {
            Directory.Delete(protos, recursive: true);
        }
    }

    [Theory, EveryDatabase]
    public async Task The_client_for_Python_is_content(string store)
    {
        const string python = "/usr/bin/python3"; // the system's: its packages are the ones that ./test installs
        if (!IsThere("protoc") || !File.Exists(python) || await ExitAsync(python, ["-c", "import grpc, google.protobuf"]) != 0) { MustNotBeMissing(); return; }
        await using var node = await FilledAsync(store);
        var protos = await WriteProtosAsync(node);
        try
        {
            Assert.Equal(0, await ExitAsync("protoc", [$"-I{protos}", $"--python_out={protos}", .. Directory.GetFiles(protos, "*.proto")]));
            await RunAsync(python, [Path.Combine(Folder, "check.py"), node.Url.Authority, protos], checks: 10);
            await AllStreamsEndAsync(node);
        }
        finally
        {
            Directory.Delete(protos, recursive: true);
        }
    }

    private static async Task<ServerNode> FilledAsync(string store)
    {
        var node = await ServerNode.StartAsync(store);
        async Task PutAsync(string path, object body) => Assert.True((await node.Http.PutAsJsonAsync("/api/v1/" + path, body)).IsSuccessStatusCode, path);
        await PutAsync("sites/WH1", new { name = "Warehouse", type = "warehouse" });
        await PutAsync("sites/WH1/zones/A", new { type = "storage" });
        foreach (var bin in new[] { "A-01", "A-02", "P-01" }) await PutAsync("sites/WH1/bins/" + bin, new { zone = "A" });
        await PutAsync("products/PIZZA-1", new { name = "Пицца Классическая", price = new { amount = "962.00", currency = "RUB" } });
        await PutAsync("products/LISTING-7", new { name = "Seven", external_id = "7", price = new { amount = "1.00", currency = "EUR" } });
        var receipt = new { reference = "r", lines = new[] { new { sku = "PIZZA-1", quantity = 100_000 } } };
        Assert.True((await node.Http.PostAsJsonAsync("/api/v1/sites/WH1/receipts", receipt)).IsSuccessStatusCode);
        return node;
    }

    /// <summary>The definitions as a stranger gets them: from the node.</summary>
    private static async Task<string> WriteProtosAsync(ServerNode node)
    {
        var folder = Directory.CreateTempSubdirectory("stowline-proto-").FullName;
        foreach (var file in (await node.GetAsync("/proto")).GetProperty("items").EnumerateArray().Select(f => f.GetString()!))
            await File.WriteAllTextAsync(Path.Combine(folder, Path.GetFileName(file)), await node.Http.GetStringAsync(file));
        return folder;
    }

    private static async Task RunAsync(string program, string[] arguments, int checks)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, output + await errors);
        Assert.Equal(checks, output.Split('\n').Count(l => l.StartsWith("ok ", StringComparison.Ordinal)));
    }

    /// <summary>What a client cancelled or left must end here too: counted by the node itself.</summary>
    private static async Task AllStreamsEndAsync(ServerNode node)
    {
        var limit = Stopwatch.StartNew();
        string metrics;
        do metrics = await node.Http.GetStringAsync("/metrics");
        while (!metrics.Contains("\nstowline_grpc_streams 0\n", StringComparison.Ordinal) && limit.Elapsed < TimeSpan.FromMinutes(1));
        Assert.Contains("\nstowline_grpc_streams 0\n", metrics);
    }

    private static bool IsThere(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(p => File.Exists(Path.Combine(p, program)));

    private static async Task<int> ExitAsync(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private static void MustNotBeMissing() => Assert.NotEqual("1", Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE")); // in CI a missing client is a failure
}
