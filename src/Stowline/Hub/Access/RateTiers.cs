using System.Globalization;
using Stowline.Kernel;

namespace Stowline.Hub.Access;

/// <summary>
/// So many requests in each window of time (H7). Windows follow each other from 1970 on, so that a day is a day of UTC and all processes mean the same one.
/// </summary>
/// <param name="Name">As <c>RateLimit-Policy</c> names it: the tier's name, or behind it <c>/</c> and the window where a tier has several limits.</param>
/// <param name="Quota">Requests per window, at least 1.</param>
/// <param name="Seconds">The window's length.</param>
public sealed record RateLimit(string Name, long Quota, int Seconds);

/// <summary>What somebody may ask for: all of its limits count. Without any, whatever they like.</summary>
public sealed class RateTier(string name, IReadOnlyList<RateLimit> limits)
{
    public string Name => name;
    public IReadOnlyList<RateLimit> Limits => limits;

    /// <summary>The header <c>RateLimit-Policy</c>, a list of structured fields: <c>"default";q=600000;w=60</c>.</summary>
    public string Policy { get; } = string.Join(", ", limits.Select(l => string.Create(CultureInfo.InvariantCulture, $"\"{l.Name}\";q={l.Quota};w={l.Seconds}")));
}

/// <summary>
/// The tiers of a node, as its setting <c>rate_limits</c> says: <c>default</c> for keys of which nothing else was said, <c>address</c> for callers without a key, and whatever others keys are given.
/// </summary>
public sealed class RateTiers
{
    public const string Default = "default";
    public const string Address = "address";
    private const int MostTiers = 32;
    private const int MostLimits = 4;
    private const long MostQuota = 1_000_000_000;
    private static readonly TimeSpan LongestWindow = TimeSpan.FromDays(31);

    private readonly Dictionary<string, RateTier> _tiers;

    private RateTiers(Dictionary<string, RateTier> tiers) => _tiers = tiers;

    /// <summary>Far above what people and well-meant programs do, and below what would keep all others waiting.</summary>
    public static RateTiers Standard { get; } = Read("default=600000/1m,address=6000/1m", []).Tiers!;

    /// <summary>Nobody is limited.</summary>
    public static RateTiers Off { get; } = Read("", []).Tiers!;

    /// <summary>The tiers that a key may have.</summary>
    public IReadOnlyList<string> OfKeys => [.. _tiers.Keys.Where(n => n != Address).Order(StringComparer.Ordinal)];

    /// <summary>Whether anybody is limited.</summary>
    public bool Any => _tiers.Values.Any(t => t.Limits.Count > 0);

    public bool HasForKeys(string name) => name != Address && _tiers.ContainsKey(name);

    /// <summary>The tier of a key. One that the settings do not name (any more) is the default.</summary>
    public RateTier OfKey(string name) => name != Address && _tiers.TryGetValue(name, out var tier) ? tier : _tiers[Default];

    public RateTier OfAddress => _tiers[Address];

    /// <summary>
    /// Reads changes to <see cref="Standard"/>: <c>default=600/1m,partner=6000/1m+1000000/1d,address=off</c>, each a quota of requests and its window with s, m, h or d behind the number;
    /// <c>off</c> alone switches all limits off. Null and what is wrong when it is not understood.
    /// </summary>
    public static (RateTiers? Tiers, string? Problem) Parse(string text) => text.Trim() == "off" ? (Off, null) : Read(text, new(Standard._tiers));

    private static (RateTiers? Tiers, string? Problem) Read(string text, Dictionary<string, RateTier> tiers)
    {
        foreach (var entry in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = entry.Split('=', StringSplitOptions.TrimEntries);
            if (parts.Length != 2) return (null, $"'{entry}' is not of the form tier=quota/window");
            if (!IsName(parts[0])) return (null, $"'{parts[0]}' is no name of a tier: 1–32 lower-case letters, digits, - and _");
            var (limits, problem) = Limits(parts[0], parts[1]);
            if (limits is null) return (null, problem);
            tiers[parts[0]] = new RateTier(parts[0], limits);
        }
        foreach (var name in new[] { Default, Address }) tiers.TryAdd(name, new RateTier(name, []));
        return tiers.Count > MostTiers ? (null, $"there may be {MostTiers} tiers at most") : (new RateTiers(tiers), null);
    }

    private static bool IsName(string text) => text.Length is > 0 and <= 32 && text.All(c => c is >= 'a' and <= 'z' or >= '0' and <= '9' or '-' or '_');

    private static (IReadOnlyList<RateLimit>? Limits, string? Problem) Limits(string tier, string text)
    {
        if (text == "off") return ([], null);
        var limits = new List<RateLimit>();
        foreach (var limit in text.Split('+', StringSplitOptions.TrimEntries))
        {
            if (limit.Split('/') is not [var count, var window] || !long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var quota) || quota is 0 or > MostQuota)
                return (null, $"'{limit}' is no limit; write requests per window, as 600/1m, with 1 to {MostQuota} requests, or off");
            if (Spans.Parse(window) is not { } span || span < TimeSpan.FromSeconds(1) || span > LongestWindow) return (null, $"'{window}' is no window; write 10s, 1m, 1h or 1d, at most 31d");
            if (limits.Any(l => l.Seconds == (int)span.TotalSeconds)) return (null, $"{tier} has two limits for a window of {window}");
            limits.Add(new RateLimit(limits.Count == 0 ? tier : $"{tier}/{window}", quota, (int)span.TotalSeconds));
        }
        return limits.Count > MostLimits ? (null, $"{tier} has more than {MostLimits} limits") : (limits, null);
    }
}
