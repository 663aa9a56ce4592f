using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// <summary>The real executable in a process of its own, on a free port, as a user runs it. Ended by pid.</summary>
public sealed class RunningServer : IAsyncDisposable
{
    private static readonly TimeSpan LongestDrain = TimeSpan.FromMinutes(3);

    private readonly Process _process;

    private RunningServer(Process process, Uri address, HttpMessageHandler handler)
    {
        _process = process;
        Http = new HttpClient(new PatientHandler(handler, () => GetAsync("system/status"))) { BaseAddress = new Uri(address, "/api/v1/"), Timeout = TimeSpan.FromSeconds(60) };
        Address = address;
    }

    public HttpClient Http { get; }
    public Uri Address { get; }
    public int Pid => _process.Id;
    public bool HasExited => _process.HasExited;

    /// <param name="database">A PostgreSQL address; null for SQLite in the folder.</param>
    public static Task<RunningServer> StartAsync(string data, string? database, params string[] more) => StartAsync(data, database, rabbitmq: null, more);

    /// <param name="rabbitmq">The setting of that name.</param>
    public static Task<RunningServer> StartAsync(string data, string? database, string? rabbitmq, string[] more)
    {
        var start = new ProcessStartInfo("dotnet", [Program, "serve", "--port", "0", "--data", data, .. more]);
        if (database is not null) start.Environment["STOWLINE__DATABASE"] = database;
        if (rabbitmq is not null) start.Environment["STOWLINE__RABBITMQ"] = rabbitmq;
        return StartAsync(start, new SocketsHttpHandler());
    }

    /// <summary>In a network namespace, where all ports are free.</summary>
    internal static Task<RunningServer> StartInAsync(string network, string data, params string[] more) =>
        StartAsync(new ProcessStartInfo("ip", ["netns", "exec", network, "dotnet", Program, "serve", "--data", data, .. more]), Support.NamespacePair.HandlerTo(network));

    private static string Program => Path.Combine(AppContext.BaseDirectory, "stowline.dll");

    private static async Task<RunningServer> StartAsync(ProcessStartInfo start, HttpMessageHandler handler)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        start.Environment["DOTNET_TieredCompilation"] = "1";
        start.Environment["DOTNET_ThreadPool_ForceMinWorkerThreads"] = "20"; // in hex: on a busy machine the pool grows too late
        var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var said = new List<string>();
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            said.Add(line);
            var at = line.IndexOf("http://", StringComparison.Ordinal);
            if (at < 0) continue;
            var end = line.IndexOfAny([' ', ',', '"'], at);
            _ = process.StandardOutput.ReadToEndAsync();
            return new RunningServer(process, new Uri(end < 0 ? line[at..] : line[at..end]), handler);
        }
        await process.WaitForExitAsync();
        throw new InvalidOperationException($"the server ended with {process.ExitCode} before it was ready: {string.Join('\n', said)} {await errors}");
    }

    /// <summary>kill -9: nothing is finished, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM: what was begun is finished.</summary>
    public async Task<int> StopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", Pid.ToString()]);
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public async Task<JsonElement> GetAsync(string path) => await Http.GetFromJsonAsync<JsonElement>(path);

    public async Task<JsonElement> SendAsync(HttpMethod method, string path, object? body = null, int expect = 0)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        using var answer = await Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(expect == 0 ? answer.IsSuccessStatusCode : (int)answer.StatusCode == expect, $"{method} {path}: {(int)answer.StatusCode} {text}");
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }

    /// <summary>Where the node's lanes stand, by name.</summary>
    public async Task<IReadOnlyDictionary<string, long>> HeadsAsync() => Settling.HeadsOf(await GetAsync("system/status"));

    /// <summary>Waits until the consumers have seen everything, by asking the node itself.</summary>
    public Task DrainAsync() => Settling.DrainAsync(AskStatusAsync, LongestDrain);

    /// <summary>The status, as soon as there is one: a node whose database was away answers 503 for as long as it still finds connections of before.</summary>
    private async Task<JsonElement> AskStatusAsync()
    {
        for (var clock = Stopwatch.StartNew(); ; await Moment.PassAsync())
        {
            using var answer = await Http.GetAsync("system/status");
            if (answer.StatusCode != HttpStatusCode.ServiceUnavailable || clock.Elapsed > LongestDrain) return await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>();
        }
    }

    public async Task VerifyAsync()
    {
        await DrainAsync();
        var report = await GetAsync("system/verify");
        Assert.True(report.GetProperty("ok").GetBoolean(), report.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }
        Http.Dispose();
        _process.Dispose();
    }
}
