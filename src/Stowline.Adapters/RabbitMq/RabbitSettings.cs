using System.Globalization;

namespace Stowline.Adapters.RabbitMq;

/// <summary>
/// The setting <c>rabbitmq</c>: <c>amqp://user:password@host:port/vhost</c>, further nodes of the cluster as <c>,host:port</c>, then options after semicolons.
/// </summary>
public sealed record RabbitSettings
{
    public required Uri Server { get; init; }
    /// <summary>The other nodes of the cluster.</summary>
    public IReadOnlyList<(string Host, int Port)> Others { get; init; } = [];
    /// <summary>The topic exchange that events go out to, their type as routing key.</summary>
    public string Exchange { get; init; } = "stowline.events";
    /// <summary>A quorum queue that gets all of them, so that none is lost before somebody else binds one; null: none is made.</summary>
    public string? Queue { get; init; } = "stowline.orders";
    /// <summary>Which events go out; empty for all of them.</summary>
    public IReadOnlySet<string> Types { get; init; } = new HashSet<string>(StringComparer.Ordinal) { "order.placed" };
    /// <summary>Where orders come in; null: nowhere.</summary>
    public string? Intake { get; init; }
    public ushort Prefetch { get; init; } = 256;
    /// <summary>How often a message is tried in all before it is given up, and the longest wait after the first try; it doubles with each.</summary>
    public int Tries { get; init; } = 3;
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Where dead letters of a queue lie.</summary>
    internal static string Dead(string queue) => queue + ".dead";

    /// <summary>Where a message waits after so many tries.</summary>
    internal static string Retry(string queue, int tries) => $"{queue}.retry.{tries.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>All queues in which messages wait for their next try.</summary>
    internal IEnumerable<string> Retries(string queue) => Enumerable.Range(1, Tries - 1).Select(tries => Retry(queue, tries));

    /// <summary>The longest wait after so many tries: it doubles with each.</summary>
    internal TimeSpan LongestWait(int tries) => Backoff * (1 << (tries - 1));

    /// <exception cref="FormatException">The setting is not understood; the message says what is wrong.</exception>
    public static RabbitSettings Parse(string text)
    {
        var parts = text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var nodes = parts.Length == 0 ? [] : parts[0].Split(',', StringSplitOptions.TrimEntries);
        if (nodes.Length == 0 || !Uri.TryCreate(nodes[0], UriKind.Absolute, out var server) || server.Scheme is not ("amqp" or "amqps"))
            throw new FormatException("rabbitmq begins with amqp://user:password@host:port/vhost");
        var settings = new RabbitSettings { Server = server, Others = [.. nodes.Skip(1).Select(Other)] };
        foreach (var part in parts.Skip(1))
        {
            var equals = part.IndexOf('=');
            var (name, value) = equals > 0 ? (part[..equals].Trim(), part[(equals + 1)..].Trim()) : throw new FormatException($"rabbitmq: '{part}' is not name=value");
            if (value.Length == 0) throw new FormatException($"rabbitmq: {name} has no value");
            settings = name switch
            {
                "exchange" => settings with { Exchange = value },
                "queue" => settings with { Queue = value == "none" ? null : value },
                "types" => settings with { Types = value == "all" ? new HashSet<string>() : value.Split(',', StringSplitOptions.TrimEntries).ToHashSet(StringComparer.Ordinal) },
                "intake" => settings with { Intake = value },
                "prefetch" => settings with { Prefetch = (ushort)Number(name, value, 1, 10_000) },
                "tries" => settings with { Tries = Number(name, value, 1, 10) },
                "backoff_ms" => settings with { Backoff = TimeSpan.FromMilliseconds(Number(name, value, 1, 3_600_000)) },
                _ => throw new FormatException($"rabbitmq: there is no option {name}; there are exchange, queue, types, intake, prefetch, tries and backoff_ms"),
            };
        }
        return settings.Intake is not null && settings.Intake == settings.Queue ? throw new FormatException("rabbitmq: orders cannot come in from the queue that events go out to") : settings;
    }

    private static (string, int) Other(string node)
    {
        var colon = node.LastIndexOf(':');
        return colon > 0 && int.TryParse(node.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? (node[..colon], port)
            : throw new FormatException($"rabbitmq: '{node}' is not host:port");
    }

    private static int Number(string name, string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number : throw new FormatException($"rabbitmq: {name} must be a whole number from {least} to {most}");
}
