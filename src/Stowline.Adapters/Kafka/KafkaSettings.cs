namespace Stowline.Adapters.Kafka;

/// <summary>
/// The setting <c>kafka</c>: <c>host:port[,host:port]</c>, then options after semicolons. Options with a dot are librdkafka's own, handed on as they are.
/// </summary>
public sealed record KafkaSettings
{
    public required string Servers { get; init; }
    public string Topic { get; init; } = "stowline.orders";
    /// <summary>Which events go out; empty for all of them.</summary>
    public IReadOnlySet<string> Types { get; init; } = new HashSet<string>(StringComparer.Ordinal) { "order.placed" };
    /// <summary>Where orders come in; null: nowhere.</summary>
    public string? Intake { get; init; }
    public string Group { get; init; } = "stowline";
    public IReadOnlyDictionary<string, string> Native { get; init; } = new Dictionary<string, string>();

    /// <summary>Brokers before 0.11 have neither idempotent producers nor headers; who talks to one says so with this option.</summary>
    public bool IsOld => Native.GetValueOrDefault("api.version.request") == "false";

    /// <exception cref="FormatException">The setting is not understood; the message says what is wrong.</exception>
    public static KafkaSettings Parse(string text)
    {
        var parts = text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0 || parts[0].Contains('=') || !parts[0].Contains(':')) throw new FormatException("kafka begins with host:port");
        var native = new Dictionary<string, string>(StringComparer.Ordinal);
        var settings = new KafkaSettings { Servers = parts[0], Native = native };
        foreach (var part in parts.Skip(1))
        {
            var equals = part.IndexOf('=');
            var (name, value) = equals > 0 ? (part[..equals].Trim(), part[(equals + 1)..].Trim()) : throw new FormatException($"kafka: '{part}' is not name=value");
            if (value.Length == 0) throw new FormatException($"kafka: {name} has no value");
            settings = name switch
            {
                "topic" => settings with { Topic = value },
                "types" => settings with { Types = value == "all" ? new HashSet<string>() : value.Split(',', StringSplitOptions.TrimEntries).ToHashSet(StringComparer.Ordinal) },
                "intake" => settings with { Intake = value },
                "group" => settings with { Group = value },
                _ when name.Contains('.') => settings,
                _ => throw new FormatException($"kafka: there is no option {name}; there are topic, types, intake, group, and librdkafka's own"),
            };
            if (name.Contains('.')) native[name] = value;
        }
        return settings.Intake == settings.Topic ? throw new FormatException("kafka: orders cannot come in from the topic that they go out to") : settings;
    }

    /// <summary>What Stowline needs, under what the operator has set.</summary>
    internal IEnumerable<KeyValuePair<string, string>> With(params (string Name, string Value)[] needed)
    {
        var all = needed.Where(n => !Native.ContainsKey(n.Name)).ToDictionary(n => n.Name, n => n.Value);
        all["bootstrap.servers"] = Servers;
        foreach (var (name, value) in Native) all[name] = value;
        return all;
    }
}
