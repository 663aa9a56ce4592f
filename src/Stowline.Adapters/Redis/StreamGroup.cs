using System.Globalization;
using StackExchange.Redis;

namespace Stowline.Adapters.Redis;

/// <summary>A group of consumers of a stream, as Redis tells of it.</summary>
/// <param name="Waiting">Entries that it has not been given; null where Redis does not count them (before 7.0, or after entries in the middle were deleted).</param>
/// <param name="Pending">Entries that it was given and has not acknowledged.</param>
/// <param name="Next">The first entry that it has not been given; null when it was given all.</param>
internal sealed record StreamGroup(string Name, long? Waiting, long Pending, string? Next)
{
    /// <summary>All groups of a stream; none where there is no such stream.</summary>
    public static async Task<IReadOnlyList<StreamGroup>> AllAsync(RedisLink link, string stream, CancellationToken ct)
    {
        var groups = new List<StreamGroup>();
        foreach (var told in await InfoAsync(link, stream, ct))
        {
            var fields = Fields(told);
            var next = (RedisResult[])await link.RunAsync("XRANGE", ct, stream, "(" + (string)fields["last-delivered-id"], "+", "COUNT", 1);
            groups.Add(new StreamGroup((string)fields["name"], fields.TryGetValue("lag", out var lag) && !lag.IsNull ? (long)lag : null, (long)fields["pending"],
                next.Length == 0 ? null : (string)((RedisResult[])next[0])[0]));
        }
        return groups;
    }

    /// <summary>The oldest entry that it has not acknowledged; null when there is none.</summary>
    public async Task<string?> OldestPendingAsync(RedisLink link, string stream, CancellationToken ct) =>
        Pending > 0 && ((RedisResult[])await link.RunAsync("XPENDING", ct, stream, Name))[1] is { IsNull: false } first ? (string)first : null;

    /// <summary>How old an entry is: its id begins with the milliseconds at which it was added.</summary>
    public static TimeSpan Age(string entry, DateTimeOffset now)
    {
        var added = DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(entry.AsSpan(0, entry.IndexOf('-')), NumberStyles.None, CultureInfo.InvariantCulture));
        return now > added ? now - added : TimeSpan.Zero; // Redis has a clock of its own
    }

    private static async Task<RedisResult[]> InfoAsync(RedisLink link, string stream, CancellationToken ct)
    {
        try
        {
            return (RedisResult[])await link.RunAsync("XINFO", ct, "GROUPS", stream);
        }
        catch (RedisServerException e) when (e.Message.StartsWith("ERR no such key", StringComparison.Ordinal))
        {
            return [];
        }
    }

    private static Dictionary<string, RedisResult> Fields(RedisResult answer)
    {
        var flat = (RedisResult[])answer;
        var fields = new Dictionary<string, RedisResult>(StringComparer.Ordinal);
        for (var i = 0; i + 1 < flat.Length; i += 2) fields[(string)flat[i]] = flat[i + 1];
        return fields;
    }
}
