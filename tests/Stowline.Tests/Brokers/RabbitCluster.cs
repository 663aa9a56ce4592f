using System.Diagnostics;
using Stowline.Tests.House;
using Stowline.Tests.Support;

namespace Stowline.Tests.Brokers;

/// <summary>Three RabbitMQ nodes of their own on loopback, in one cluster, by tests/rabbitmq.sh.</summary>
internal sealed class RabbitCluster : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("stowline-test-").FullName;
    private readonly int[] _ports = FreePorts.Take(7);

    /// <summary>The setting that names all three.</summary>
    public string Setting => $"amqp://guest:guest@127.0.0.1:{_ports[0]}/,127.0.0.1:{_ports[1]},127.0.0.1:{_ports[2]}";

    public static async Task<RabbitCluster> StartAsync()
    {
        var cluster = new RabbitCluster();
        try
        {
            var p = cluster._ports;
            await cluster.RunAsync("start", 0, $"{p[0]}", $"{p[3]}", $"{p[6]}");
            foreach (var node in new[] { 1, 2 }) await cluster.RunAsync("join", node, cluster.Dir(0), $"{p[node]}", $"{p[3 + node]}");
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>As after a power cut.</summary>
    public Task KillAsync(int node) => RunAsync("stop", node, "KILL");

    public Task StartAsync(int node) => RunAsync("start", node);

    private string Dir(int node) => Path.Combine(_folder, $"node{node}");

    private async Task RunAsync(string command, int node, params string[] more)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(Repository.Find(), "tests", "rabbitmq.sh"), [command, Dir(node), .. more]))!;
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in new[] { 2, 1, 0 })
            if (File.Exists(Path.Combine(Dir(node), "ports"))) await RunAsync(node == 0 ? "end" : "stop", node, node == 0 ? [] : ["KILL"]);
        Directory.Delete(_folder, recursive: true);
    }
}
