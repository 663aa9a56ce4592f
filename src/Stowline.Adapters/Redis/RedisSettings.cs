using System.Globalization;

namespace Stowline.Adapters.Redis;

/// <summary>
/// The setting <c>redis</c>: <c>host:port[,password=…]</c> as StackExchange.Redis reads it, then our own options after semicolons.
/// </summary>
public sealed record RedisSettings
{
    /// <summary>What source 2 §5.1 calls the stream that orders come in by, and its consumer group (§5.4).</summary>
    public const string ListingsStream = "listings:events:orders";
    public const string ListingsGroup = "wms-consumers";

    public required string Server { get; init; }
    /// <summary>Who we are in the group. The same after a restart, so that what was given to us before and is not acknowledged comes first.</summary>
    public string Consumer { get; init; } = "stowline";
    /// <summary>What another consumer of the group was given and has not acknowledged for so long is taken over.</summary>
    public TimeSpan Claim { get; init; } = TimeSpan.FromSeconds(60);
    /// <summary>So many entries stay in each stream that we write, read or not.</summary>
    public int Keep { get; init; } = 100_000;

    /// <exception cref="FormatException">The setting is not understood; the message says what is wrong.</exception>
    public static RedisSettings Parse(string text)
    {
        var parts = text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0 || parts[0].StartsWith('=') || !parts[0].Split(',')[0].Contains(':')) throw new FormatException("redis begins with host:port");
        var settings = new RedisSettings { Server = parts[0] };
        foreach (var part in parts.Skip(1))
        {
            var equals = part.IndexOf('=');
            var (name, value) = equals > 0 ? (part[..equals].Trim(), part[(equals + 1)..].Trim()) : throw new FormatException($"redis: '{part}' is not name=value");
            settings = name switch
            {
                "consumer" when value.Length > 0 => settings with { Consumer = value },
                "claim" => settings with { Claim = TimeSpan.FromSeconds(Number(name, value, 1, 86_400)) },
                "keep" => settings with { Keep = Number(name, value, 0, 100_000_000) },
                _ => throw new FormatException($"redis: there is no option {part}; there are consumer, claim and keep"),
            };
        }
        return settings;
    }

    private static int Number(string name, string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number : throw new FormatException($"redis: {name} must be a whole number from {least} to {most}");
}
