using System.Diagnostics;
using System.Text.Json;
using Stowline.Bench;
using Stowline.Simulation;

namespace Stowline.Tests.Server;

/// Goal: scripts find the fields that the contract fixes in what commands report with --json. Method: the real executable.
public class ReportCommandTests
{
    private static async Task<(int Status, JsonElement Last)> RunAsync(params string[] words)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { Path.Combine(AppContext.BaseDirectory, "stowline.dll") }.Concat(words).Append("--json")) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var lines = (await process.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await process.WaitForExitAsync();
        Assert.True(lines.Length == 1, string.Join('\n', lines) + await errors);
        return (process.ExitCode, JsonDocument.Parse(lines[0]).RootElement);
    }

    [Fact]
    public async Task The_mutants_of_the_simulation_are_listed()
    {
        var (status, report) = await RunAsync("simulate", "--mutants");
        Assert.Equal((0, string.Join(' ', Mutants.Names)), (status, string.Join(' ', report.GetProperty("mutants").EnumerateArray().Select(m => m.GetString()))));
    }

    [Fact]
    public async Task Failures_of_the_simulation_are_seeds_and_told_beside_them()
    {
        var (status, report) = await RunAsync("simulate", "--mutant", "release-twice", "--seeds", "20", "--steps", "500");
        Assert.Equal(1, status);
        int[] seeds = [.. report.GetProperty("failures").EnumerateArray().Select(f => f.GetInt32())];
        Assert.NotEmpty(seeds);
        Assert.Equal(seeds, report.GetProperty("failed").EnumerateArray().Select(f => f.GetProperty("seed").GetInt32()));
        Assert.All(report.GetProperty("failed").EnumerateArray(), f => Assert.Contains("--mutant release-twice", f.GetProperty("command").GetString()));
    }

    [Fact]
    public void Every_benchmark_reports_the_fields_of_the_contract()
    {
        var report = new BenchReport { ["name"] = "pages", ["store"] = "sqlite", ["more"] = 1 };
        Assert.Equal(["name", "store", "clients", "orders_per_s", "p50_ms", "p95_ms", "p99_ms", "cpu_ms_per_order", "floor_ratio", "more"], report.Fields.Keys);
        Assert.Equal((object?)"pages", report.Fields["name"]);
    }
}
