using Stowline.Log;

namespace Stowline.Tests.Acceptance;

/// Goal: what a stranger sees after <c>--demo</c>. Method: the real executable on an empty folder, asked over HTTP, stopped and started again.
[Trait("Needs", "server")]
public class DemoProcess
{
    private static readonly string[] States = ["backorder", "allocated", "picking", "packing", "ready", "shipped", "cancelled"];

    private static async Task<int> CountAsync(RunningServer server, string status) =>
        (await server.GetAsync($"orders?status={status}&limit=200")).GetProperty("items").GetArrayLength();

    /// <summary>Asks until it is so. The limit is for machines that do other things as well; the demo itself needs a few seconds.</summary>
    private static async Task UntilAsync(string what, Func<Task<bool>> isSo)
    {
        var limit = TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(3);
        while (!await isSo())
        {
            Assert.True(TimeProvider.System.GetUtcNow() < limit, $"it took too long until {what}");
            await new Signal().WaitAsync(TimeSpan.FromMilliseconds(200), TimeProvider.System, default);
        }
    }

    [Fact]
    public async Task A_sample_business_runs_at_once_and_again_after_a_restart()
    {
        var folder = Directory.CreateTempSubdirectory("stowline-demo-").FullName;
        try
        {
            long newest;
            await using (var server = await RunningServer.StartAsync(folder, null, "--demo"))
            {
                await UntilAsync("orders stand in five states", async () =>
                {
                    var inUse = 0;
                    foreach (var state in States) inUse += await CountAsync(server, state) > 0 ? 1 : 0;
                    return inUse >= 5 && await CountAsync(server, "shipped") > 0;
                });
                newest = await NewestAsync(server);
                Assert.Equal(0, await server.StopAsync());
            }
            await using (var again = await RunningServer.StartAsync(folder, null, "--demo", "--demo-rate", "5"))
            {
                await UntilAsync("new orders come", async () => await NewestAsync(again) > newest + 5);
                // Orders keep coming, so the consumers are never at rest; the books must agree all the same.
                var report = await again.GetAsync("system/verify");
                Assert.True(report.GetProperty("ok").GetBoolean(), report.ToString());
                Assert.Equal(0, await again.StopAsync());
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<long> NewestAsync(RunningServer server) =>
        (await server.GetAsync("orders?limit=1")).GetProperty("items").EnumerateArray().Select(o => o.GetProperty("number").GetInt64()).FirstOrDefault();

    [Fact]
    public async Task It_does_not_mix_with_somebodys_business()
    {
        var folder = Directory.CreateTempSubdirectory("stowline-demo-").FullName;
        try
        {
            await using (var server = await RunningServer.StartAsync(folder, null))
            {
                await server.SendAsync(HttpMethod.Put, "sites/WH1", new { name = "Ours", type = "warehouse" });
                await server.StopAsync();
            }
            var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => RunningServer.StartAsync(folder, null, "--demo"));
            Assert.Contains("mix", refused.Message);
            Assert.Contains("WH1", refused.Message);
            await using var untouched = await RunningServer.StartAsync(folder, null);
            Assert.Equal(1, (await untouched.GetAsync("sites")).GetProperty("items").GetArrayLength());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
