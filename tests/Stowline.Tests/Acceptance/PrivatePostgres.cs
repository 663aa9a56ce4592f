using System.Diagnostics;
using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// <summary>A PostgreSQL server of a test's own, that may be restarted under others: on a free loopback port, with its data in a temporary folder.</summary>
internal sealed class PrivatePostgres : IAsyncDisposable
{
    private readonly string _bin;
    private readonly string _folder;
    private readonly int _port;

    private PrivatePostgres(string bin, string folder, int port) => (_bin, _folder, _port) = (bin, folder, port);

    public string Address => $"postgres://postgres@127.0.0.1:{_port}/postgres";

    /// <summary>Null where there are no server programs and none are demanded.</summary>
    public static async Task<PrivatePostgres?> StartAsync()
    {
        if (FindBin() is not { } bin)
        {
            Assert.NotEqual("1", Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE"));
            return null;
        }
        var folder = Directory.CreateTempSubdirectory("stowline-postgres-").FullName;
        if (Environment.UserName == "root") await RunAsync("chown", ["postgres:", folder]);
        await RunAsServerAsync(Path.Combine(bin, "initdb"), ["-D", folder + "/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        var made = new PrivatePostgres(bin, folder, FreePorts.Take(1)[0]);
        await made.ControlAsync("start");
        return made;
    }

    /// <param name="mode"><c>fast</c>: its clients are thrown out; <c>immediate</c>: as after a loss of power.</param>
    public Task RestartAsync(string mode) => ControlAsync("restart", "-m", mode);

    private Task ControlAsync(string what, params string[] more) => RunAsServerAsync(Path.Combine(_bin, "pg_ctl"),
        ["-D", _folder + "/data", "-w", "-l", _folder + "/log", .. what == "stop" ? Array.Empty<string>()
            : ["-o", $"-p {_port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=100"], what, .. more]);

    /// <summary>PostgreSQL refuses to run as root; its package brings a user.</summary>
    private static Task RunAsServerAsync(string program, string[] arguments) => Environment.UserName == "root"
        ? RunAsync("setpriv", ["--reuid=postgres", "--regid=postgres", "--init-groups", program, .. arguments]) : RunAsync(program, arguments);

    private static async Task RunAsync(string program, string[] arguments)
    {
        // Not redirected: the server would inherit the pipe, and reading to its end would wait for the server.
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = "/" })!;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }

    private static string? FindBin()
    {
        if (Environment.GetEnvironmentVariable("PG_BIN") is { Length: > 0 } set) return set;
        const string Debian = "/usr/lib/postgresql";
        return !Directory.Exists(Debian) ? null
            : Directory.EnumerateDirectories(Debian).OrderBy(d => double.TryParse(Path.GetFileName(d), out var v) ? v : 0).Select(d => Path.Combine(d, "bin")).LastOrDefault(d => File.Exists(Path.Combine(d, "pg_ctl")));
    }

    public async ValueTask DisposeAsync()
    {
        await ControlAsync("stop", "-m", "immediate");
        Directory.Delete(_folder, recursive: true);
    }
}
