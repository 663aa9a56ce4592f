using System.Diagnostics;
using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// Goal: an answer means that the order is on the disk. Method: the system calls of the real process are recorded while one client places orders; between
/// reading a request and writing its 201 there must be a sync of the database's files. One that ended before the request came does not count.
[Trait("Needs", "server")]
public class Durability
{
    [Fact]
    public async Task Every_answer_has_a_sync_before_it()
    {
        if (!File.Exists("/usr/bin/strace"))
        {
            Assert.NotEqual("1", Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE")); // in CI a missing tool is a failure
            return;
        }
        var (folder, _, drop) = await OwnDatabase.MakeAsync("sqlite");
        await using var __ = drop;
        await using var server = await RunningServer.StartAsync(folder, null);
        await server.SendAsync(HttpMethod.Put, "sites/WH1", new { name = "Warehouse", type = "warehouse" });
        await server.SendAsync(HttpMethod.Put, "products/A", new { name = "A", price = new { amount = "1.00", currency = "EUR" } });
        await server.SendAsync(HttpMethod.Post, "sites/WH1/receipts", new { reference = "r", lines = new[] { new { sku = "A", quantity = 100 } } }, expect: 201);
        await server.DrainAsync();

        const int Orders = 10;
        var trace = Path.Combine(folder, "trace");
        using var strace = Process.Start(new ProcessStartInfo("strace", ["-f", "-qq", "-s", "64", "-e", "trace=fsync,fdatasync,sendto,sendmsg,write,writev,recvfrom,recvmsg,read,readv", "-o", trace, "-p", server.Pid.ToString()])
            { RedirectStandardError = true })!;
        // Attached once the first call shows up in the file; every request makes calls.
        var attached = Stopwatch.StartNew();
        while (new FileInfo(trace) is not { Exists: true, Length: > 0 } && attached.Elapsed < TimeSpan.FromSeconds(30)) await server.GetAsync("availability?sku=A");
        for (var i = 0; i < Orders; i++)
            await server.SendAsync(HttpMethod.Post, "orders", new { channel = "web", external_id = $"{i}", lines = new[] { new { sku = "A", quantity = 1 } } }, expect: 201);
        using (var stop = Process.Start("kill", ["-INT", strace.Id.ToString()])) await stop.WaitForExitAsync();
        await strace.WaitForExitAsync();

        var (synced, asked, answers) = (false, 0, 0);
        foreach (var line in await File.ReadAllLinesAsync(trace))
        {
            // What was read is told where the call ends, what is written where it begins, and of a sync only the end counts: "unfinished" lines are where one begins.
            if (line.Contains("\"POST /api/v1/orders ", StringComparison.Ordinal))
            {
                asked++;
                synced = false;
                continue;
            }
            if (line.Contains("sync", StringComparison.Ordinal) && line.EndsWith("= 0", StringComparison.Ordinal)) synced = true;
            if (!line.Contains("HTTP/1.1 201", StringComparison.Ordinal)) continue;
            answers++;
            Assert.Equal(asked, answers);
            Assert.True(synced, $"answer {answers} was sent without a sync since its request came:\n{line}");
        }
        Assert.Equal(Orders, answers);
    }
}
