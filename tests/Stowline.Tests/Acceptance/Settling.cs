using System.Diagnostics;
using System.Text.Json;
using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// <summary>
/// Waits for the consumers of a node in another process, by its status. A lag of zero would not do: it is also told of a consumer that has not read yet where it stands, as right after
/// a start. So its position is held against the lane's head.
/// </summary>
internal static class Settling
{
    public static IReadOnlyDictionary<string, long> HeadsOf(JsonElement status) =>
        status.GetProperty("lanes").EnumerateArray().ToDictionary(l => l.GetProperty("name").GetString()!, l => l.GetProperty("head").GetInt64());

    /// <summary>Until the consumers have seen everything, also what they wrote on the way. Never ends where work keeps coming, so there is a limit.</summary>
    public static async Task DrainAsync(Func<Task<JsonElement>> askStatus, TimeSpan longest)
    {
        if (await SettleAsync(askStatus, longest, mostHops: int.MaxValue) is { } waiting) Assert.Fail($"not drained after {longest.TotalSeconds:0} s: {waiting}");
    }

    /// <summary>Until the consumers have seen what is written now, what they write of it, and so on for a few hops.</summary>
    /// <returns>Who is behind when the time is up; null when nobody is.</returns>
    public static async Task<string?> SettleAsync(Func<Task<JsonElement>> askStatus, TimeSpan longest, int mostHops)
    {
        var clock = Stopwatch.StartNew();
        var heads = HeadsOf(await askStatus());
        for (var hop = 0; hop < mostHops; hop++)
        {
            while (Behind(await askStatus(), heads) is { } waiting)
            {
                if (clock.Elapsed > longest) return waiting;
                await Moment.PassAsync();
            }
            // Asked after all had read that far: when nothing was added, nothing is under way.
            var now = HeadsOf(await askStatus());
            if (now.All(lane => heads.GetValueOrDefault(lane.Key) == lane.Value)) return null;
            if (clock.Elapsed > longest) return "lanes that keep growing";
            heads = now;
        }
        return null;
    }

    private static string? Behind(JsonElement status, IReadOnlyDictionary<string, long> heads)
    {
        var behind = status.GetProperty("consumers").EnumerateArray()
            .Where(c => c.GetProperty("position").GetInt64() < heads.GetValueOrDefault(c.GetProperty("lane").GetString()!)).Select(c => c.ToString()).ToList();
        return behind.Count == 0 ? null : string.Join(' ', behind);
    }
}

/// <summary>
/// An answer waits two seconds for the consumers and then says that some of them are behind (<c>Stowline-Pending</c>), as happens on a machine that is busy elsewhere. Here it is
/// handed on when they have come, so that whoever reads next finds what the write has led to.
/// </summary>
internal sealed class PatientHandler(HttpMessageHandler inner, Func<Task<JsonElement>> askStatus) : DelegatingHandler(inner)
{
    /// <summary>Less than the client's own limit. Who is not there by then is missing in what the test looks at.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(40);

    /// <summary>As far as an answer waits, and one more.</summary>
    private const int Hops = 3;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        var answer = await base.SendAsync(request, ct);
        if (!answer.Headers.Contains("Stowline-Pending")) return answer;
        try
        {
            await answer.Content.LoadIntoBufferAsync(ct); // it stays an answer when the process is killed meanwhile
            await Settling.SettleAsync(askStatus, Longest, Hops);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or ObjectDisposedException)
        {
            // The process has ended, or its database is away: it was an answer all the same.
        }
        return answer;
    }
}
