using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Stowline.Adapters.Kafka;
using Stowline.Adapters.RabbitMq;
using Stowline.Adapters.Redis;
using Stowline.Hub.Access;
using Stowline.Hub.Alerts;
using Stowline.Hub.Channels;
using Stowline.Kernel;
using Stowline.Server.Hosting;

namespace Stowline.Server;

/// <summary>
/// What a node is told. In rising precedence: these defaults, <c>stowline.json</c>, the environment (<c>STOWLINE__DATABASE</c>), flags.
/// </summary>
public sealed record Configuration
{
    /// <summary>The folder of the node: the SQLite file and the lock.</summary>
    public string Data { get; init; } = "./data";

    /// <summary>Empty or <c>sqlite:PATH</c> or <c>postgres://…</c>.</summary>
    public string Database { get; init; } = "";

    public string Listen { get; init; } = "127.0.0.1";

    /// <summary>0 takes any free port; the line that says "ready" tells which.</summary>
    public int Port { get; init; } = 5080;

    /// <summary><c>off</c> (loopback only) or <c>keys</c>.</summary>
    public string Auth { get; init; } = "off";

    /// <summary>Empty: no Kafka. Else <c>host:port[;topic=…][;intake=…]</c> (docs/brokers.md).</summary>
    public string Kafka { get; init; } = "";

    /// <summary>Empty: no Redis. Else <c>host:port[,password=…][;claim=60][;keep=100000]</c> (docs/brokers.md).</summary>
    public string Redis { get; init; } = "";

    /// <summary>Empty: no RabbitMQ. Else <c>amqp://user:password@host:port/vhost[;exchange=…][;intake=…]</c> (docs/brokers.md).</summary>
    public string Rabbitmq { get; init; } = "";

    /// <summary>Where traces and metrics go: <c>http://host:4318</c> (OTLP over HTTP, protobuf) or <c>grpc://host:4317</c>. Empty: nowhere.</summary>
    public string Otlp { get; init; } = "";

    /// <summary>The share of traces that are recorded, 0 to 1, of those that begin here; a caller's own decision goes first.</summary>
    public double OtlpSample { get; init; } = 1;

    /// <summary><c>json</c> or <c>text</c>, on standard error.</summary>
    public string LogFormat { get; init; } = "json";

    /// <summary><c>information</c>, <c>debug</c> (every event of every order) or <c>warning</c>.</summary>
    public string LogLevel { get; init; } = "information";

    /// <summary>The node's name in metrics, traces and the status.</summary>
    public string Node { get; init; } = Environment.MachineName;

    /// <summary>The site that this node is; empty for a hub.</summary>
    public string Site { get; init; } = "";

    /// <summary>Where a site's node reaches its hub: <c>http://</c> or <c>https://</c>.</summary>
    public string Hub { get; init; } = "";

    /// <summary>What joining the site has given, for its node.</summary>
    public string Key { get; init; } = "";

    /// <summary>When an order is stuck, see <see cref="StuckRules.Parse"/>.</summary>
    public StuckRules Stuck { get; init; } = StuckRules.Default;

    /// <summary>How long units are kept for an order that is still to come, where the caller does not say; null: until they are released.</summary>
    public TimeSpan? ReservationsKept { get; init; }

    /// <summary>Where alerts are sent in Telegram; null: nowhere.</summary>
    public TelegramSettings? Telegram { get; init; }

    /// <summary>Webhooks may go to addresses in the own network, and over plain http.</summary>
    public bool WebhooksAllowPrivate { get; init; }

    /// <summary>Carriers and the delivery service may be at addresses in the own network, and be spoken to over plain http.</summary>
    public bool CarriersAllowPrivate { get; init; }

    /// <summary>What credentials of marketplaces are sealed with, 32 bytes; null: a file <c>secrets.key</c> in the data folder.</summary>
    public byte[]? SecretsKey { get; init; }

    /// <summary>How much callers may ask for, see <see cref="RateTiers.Parse"/>; null where nothing was said: the standard with <c>auth=keys</c>, no limits without.</summary>
    public RateTiers? RateLimits { get; init; }

    /// <summary>The proxies before this node whose word for the caller's address counts; empty: nobody's.</summary>
    public TrustedProxies TrustedProxies { get; init; } = TrustedProxies.None;

    /// <summary>How stock is kept in step with marketplaces.</summary>
    public StockSyncSettings StockSync { get; init; } = new();

    public static string Version { get; } =
        typeof(Configuration).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    /// <summary>Settings of the contract whose part is not built yet. Saying nothing would look as if they worked.</summary>
    private static readonly string[] NotYet = [];

    private static readonly string[] Known = ["data", "database", "listen", "port", "auth", "otlp", "otlp_sample", "log_format", "log_level", "node", "stuck", "reservations_kept", "kafka", "redis", "rabbitmq", "webhooks_allow_private", "carriers_allow_private",
        "telegram_token", "telegram_chat", "telegram_url", "site", "hub", "key", "secrets_key", "rate_limits", "trusted_proxies", .. StockSyncNames.All];

    public bool IsPostgres =>
        Database.StartsWith("postgres://", StringComparison.Ordinal) || Database.StartsWith("postgresql://", StringComparison.Ordinal);

    public string SqlitePath => Database.StartsWith("sqlite:", StringComparison.Ordinal) ? Database["sqlite:".Length..] : Path.Combine(Data, "stowline.db");

    /// <summary>Reads all sources.</summary>
    /// <param name="flags">What was given on the command line; null values were not.</param>
    /// <exception cref="CommandRefusedException">Something is misspelt, of the wrong kind or not available.</exception>
    public static Configuration Load(IReadOnlyDictionary<string, string?> flags, Func<string, string?>? environment = null, string? folder = null)
    {
        environment ??= Environment.GetEnvironmentVariable;
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        var file = Path.Combine(folder ?? Directory.GetCurrentDirectory(), "stowline.json");
        if (File.Exists(file)) Read(file, given);
        else
        {
            var data = flags.GetValueOrDefault("data") ?? environment("STOWLINE__DATA") ?? new Configuration().Data;
            if (File.Exists(Path.Combine(data, "stowline.json"))) Read(Path.Combine(data, "stowline.json"), given);
        }
        foreach (var name in Known.Concat(NotYet))
            if (environment("STOWLINE__" + name.ToUpperInvariant()) is { } value) given[name] = value;
        // Source 5's own names for these.
        foreach (var name in StockSyncNames.All)
            if (environment("STOWLINE__" + name.ToUpperInvariant()) is null && environment(name.ToUpperInvariant()) is { } value) given[name] = value;
        foreach (var (name, value) in flags)
            if (value is not null) given[name] = value;
        return Check(given);
    }

    private static void Read(string file, Dictionary<string, string> given)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new CommandRefusedException($"{file} must hold one JSON object");
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (!Known.Contains(member.Name) && !NotYet.Contains(member.Name))
                    throw new CommandRefusedException($"{file}: there is no setting '{member.Name}'; known are {string.Join(", ", Known)}");
                given[member.Name] = member.Value.ToString();
            }
        }
        catch (JsonException e)
        {
            throw new CommandRefusedException($"{file} is not valid JSON: {e.Message}");
        }
    }

    private static Configuration Check(Dictionary<string, string> given)
    {
        foreach (var name in NotYet)
            if (given.GetValueOrDefault(name) is { Length: > 0 }) throw new CommandRefusedException($"the setting '{name}' is not available yet");
        var set = new Configuration();
        set = set with
        {
            Data = given.GetValueOrDefault("data") is { Length: > 0 } data ? data : set.Data,
            Database = given.GetValueOrDefault("database") ?? set.Database,
            Listen = given.GetValueOrDefault("listen") is { Length: > 0 } listen ? listen : set.Listen,
            Auth = given.GetValueOrDefault("auth") is { Length: > 0 } auth ? auth : set.Auth,
            Site = given.GetValueOrDefault("site") ?? set.Site,
            Hub = given.GetValueOrDefault("hub") ?? set.Hub,
            Key = given.GetValueOrDefault("key") ?? set.Key,
        };
        if (given.GetValueOrDefault("port") is { } port)
            set = set with
            {
                Port = int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= 65_535
                    ? number : throw new CommandRefusedException($"the port must be a number from 0 to 65535, not '{port}'"),
            };
        set = set with { WebhooksAllowPrivate = OneOf(given, "webhooks_allow_private", "false", "true", "false", "True", "False") is "true" or "True" };
        set = set with { CarriersAllowPrivate = OneOf(given, "carriers_allow_private", "false", "true", "false", "True", "False") is "true" or "True" };
        if (given.GetValueOrDefault("telegram_token") is { Length: > 0 } token)
            set = set with
            {
                Telegram = new TelegramSettings(token, given.GetValueOrDefault("telegram_chat") is { Length: > 0 } chat ? chat : throw new CommandRefusedException("telegram_token needs telegram_chat"),
                    given.GetValueOrDefault("telegram_url") is not { Length: > 0 } server ? "https://api.telegram.org"
                        : Uri.TryCreate(server, UriKind.Absolute, out var at) && at.Scheme is "http" or "https" ? server : throw new CommandRefusedException("telegram_url must be http or https")),
            };
        set = set with
        {
            Kafka = given.GetValueOrDefault("kafka") ?? set.Kafka, Redis = given.GetValueOrDefault("redis") ?? set.Redis,
            Rabbitmq = given.GetValueOrDefault("rabbitmq") ?? set.Rabbitmq,
        };
        try
        {
            if (set.Kafka.Length > 0) KafkaSettings.Parse(set.Kafka);
            if (set.Redis.Length > 0) RedisSettings.Parse(set.Redis);
            if (set.Rabbitmq.Length > 0) RabbitSettings.Parse(set.Rabbitmq);
        }
        catch (FormatException e)
        {
            throw new CommandRefusedException(e.Message);
        }
        set = set with { StockSync = StockSyncNames.Read(given), RateLimits = Limits(given), TrustedProxies = TrustedProxies.Parse(given.GetValueOrDefault("trusted_proxies") ?? "") };
        if (given.GetValueOrDefault("secrets_key") is { Length: > 0 } secret)
            set = set with { SecretsKey = SecretBox.KeyOf(secret) ?? throw new CommandRefusedException("secrets_key must be 32 bytes in Base64, as 'openssl rand -base64 32' makes them") };
        set = Telemetry(set, given);
        if (set.Site.Length > 0 && !CodeRule.TryNormalize(set.Site, out _)) throw new CommandRefusedException($"site {CodeRule.Description}, not '{set.Site}'");
        if (set.Hub.Length > 0 && !(Uri.TryCreate(set.Hub, UriKind.Absolute, out var hub) && hub.Scheme is "http" or "https"))
            throw new CommandRefusedException($"hub must be the hub's address, http:// or https://, not '{set.Hub}'");
        if (set.Auth is not ("off" or "keys")) throw new CommandRefusedException($"auth must be 'off' or 'keys', not '{set.Auth}'");
        if (set.Database.Length > 0 && !set.IsPostgres && !set.Database.StartsWith("sqlite:", StringComparison.Ordinal))
            throw new CommandRefusedException("the database must be empty, sqlite:PATH or postgres://user:password@host:port/name");
        return set;
    }

    private static RateTiers? Limits(Dictionary<string, string> given)
    {
        if (given.GetValueOrDefault("rate_limits") is not { Length: > 0 } text) return null;
        var (tiers, problem) = RateTiers.Parse(text);
        return tiers ?? throw new CommandRefusedException("rate_limits: " + problem);
    }

    private static Configuration Telemetry(Configuration set, Dictionary<string, string> given)
    {
        if (given.GetValueOrDefault("otlp") is { Length: > 0 } otlp)
            set = set with
            {
                Otlp = Uri.TryCreate(otlp, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" or "grpc" or "grpcs"
                    ? otlp : throw new CommandRefusedException($"otlp must be http://host:4318 or grpc://host:4317, not '{otlp}'"),
            };
        if (given.GetValueOrDefault("otlp_sample") is { Length: > 0 } share)
            set = set with
            {
                OtlpSample = double.TryParse(share, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var ratio) && ratio <= 1
                    ? ratio : throw new CommandRefusedException($"otlp_sample must be from 0 to 1, not '{share}'"),
            };
        set = set with
        {
            LogFormat = OneOf(given, "log_format", set.LogFormat, "json", "text"),
            LogLevel = OneOf(given, "log_level", set.LogLevel, "debug", "information", "warning"),
            Node = given.GetValueOrDefault("node") is { Length: > 0 } node ? node : set.Node,
        };
        if (given.GetValueOrDefault("reservations_kept") is { Length: > 0 } kept && kept != "off")
            set = set with { ReservationsKept = Kernel.Spans.Parse(kept) is { } span && span > TimeSpan.Zero ? span : throw new CommandRefusedException($"reservations_kept must be such as 45m, 24h, 7d or off, not '{kept}'") };
        if (given.GetValueOrDefault("stuck") is not { Length: > 0 } stuck) return set;
        var (rules, problem) = StuckRules.Parse(stuck);
        return set with { Stuck = rules ?? throw new CommandRefusedException("stuck: " + problem) };
    }

    private static string OneOf(Dictionary<string, string> given, string name, string otherwise, params string[] words)
    {
        if (given.GetValueOrDefault(name) is not { Length: > 0 } word) return otherwise;
        return words.Contains(word, StringComparer.Ordinal) ? word : throw new CommandRefusedException($"{name} must be one of {string.Join(", ", words)}, not '{word}'");
    }
}

/// <summary>A command cannot be done as it was asked, and the message says why. Shown without a stack trace.</summary>
public sealed class CommandRefusedException(string message, Exception? inner = null) : Exception(message, inner);
