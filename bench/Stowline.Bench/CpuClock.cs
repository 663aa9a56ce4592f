using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Stowline.Bench;

/// <summary>
/// CPU time of the processes that do the work: this one, a server that was started, and the processes of a local PostgreSQL (from /proc,
/// while its connections are open: a backend's time is gone with the backend).
/// </summary>
public sealed class CpuClock(int? serverPid, NpgsqlDataSource? postgres, bool countSelf)
{
    private Dictionary<int, double> _start = [];

    public async Task StartAsync() => _start = await ReadAsync();

    /// <summary>CPU milliseconds since the start.</summary>
    public async Task<double> StopAsync() => (await ReadAsync()).Sum(p => p.Value - _start.GetValueOrDefault(p.Key));

    private async Task<Dictionary<int, double>> ReadAsync()
    {
        var times = new Dictionary<int, double>();
        if (countSelf)
        {
            using var self = Process.GetCurrentProcess();
            times[self.Id] = self.TotalProcessorTime.TotalMilliseconds;
        }
        if (serverPid is { } pid) times[pid] = OfProcess(pid);
        if (postgres is null) return times;
        await using var command = postgres.CreateCommand("SELECT pid FROM pg_stat_activity");
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync()) times[reader.GetInt32(0)] = OfProcess(reader.GetInt32(0));
        return times;
    }

    /// <summary>utime + stime of /proc/PID/stat: clock ticks of 10 ms.</summary>
    private static double OfProcess(int pid)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{pid}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) * 10.0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0; // it has ended, or there is no /proc here
        }
    }
}
