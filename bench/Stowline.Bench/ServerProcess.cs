using System.Diagnostics;

namespace Stowline.Bench;

/// <summary>A Stowline server in a process of its own, on a free port, on a database of its own. Stopped by pid.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private readonly Process _process;

    private ServerProcess(Process process, Uri address) => (_process, Address) = (process, address);

    public Uri Address { get; }
    public int Pid => _process.Id;

    public static async Task<ServerProcess> StartAsync(string executable, BenchDatabase place, params string[] more)
    {
        var start = new ProcessStartInfo(executable) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { "serve", "--port", "0", "--data", place.Folder }.Concat(more)) start.ArgumentList.Add(argument);
        if (place.Url is { } text) start.Environment["STOWLINE__DATABASE"] = text;
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{executable} does not start");
        _ = process.StandardError.ReadToEndAsync(); // drained, so that a full pipe never stops the server
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            var at = line.IndexOf("http://", StringComparison.Ordinal);
            if (at < 0) continue;
            var end = line.IndexOfAny([' ', ',', '"'], at);
            _ = process.StandardOutput.ReadToEndAsync();
            return new ServerProcess(process, new Uri(end < 0 ? line[at..] : line[at..end]));
        }
        throw new InvalidOperationException($"{executable} ended before it was ready");
    }

    /// <summary>A size that Linux keeps of the process, such as <c>VmRSS</c> or <c>VmHWM</c> (the highest it was).</summary>
    public long MegabytesOf(string field)
    {
        var line = File.ReadLines($"/proc/{Pid}/status").First(l => l.StartsWith(field + ":", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture) / 1024;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
            await _process.WaitForExitAsync();
        }
        _process.Dispose();
    }
}
