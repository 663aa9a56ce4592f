using System.Diagnostics;
using Confluent.Kafka;
using Stowline.Adapters.Brokers;
using Stowline.Adapters.Kafka;
using Stowline.Tests.House;

namespace Stowline.Tests.Brokers;

/// <summary>A real broker for the compliance suite: what the suite must be able to do to it and to see in it, whichever broker it is.</summary>
public abstract class TestBroker
{
    public abstract string Name { get; }

    /// <summary>Where events go out, to a place of its own per test.</summary>
    public abstract IBrokerOut Out(string place);

    public abstract IBrokerIn In(string place);

    /// <summary>How long the queues of a place are.</summary>
    public abstract IBrokerQueues Queues(string place);

    /// <summary>All that is in the place for events: (key, body) in the order of each key, at least so many different ones. After a crash some may be there twice.</summary>
    public abstract Task<IReadOnlyList<(string Key, byte[] Body)>> ReadAsync(string place, int atLeast);

    /// <summary>Puts messages where orders come in.</summary>
    public abstract Task WriteAsync(string place, IReadOnlyList<(string Key, byte[] Body)> messages);

    /// <summary>As after a power cut.</summary>
    public abstract Task KillAsync();

    public abstract Task StartAsync();

    /// <summary>Counts the different messages among those that come.</summary>
    protected sealed class Different
    {
        private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

        public int Count => _seen.Count;

        public void Add(string key, byte[] body) => _seen.Add(key + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(body)));
    }

    public static TestBroker? Find(string name) => name switch
    {
        "kafka" when Environment.GetEnvironmentVariable("STOWLINE_TEST_KAFKA") is { Length: > 0 } setting => new KafkaTestBroker(setting),
        "redis" when Environment.GetEnvironmentVariable("STOWLINE_TEST_REDIS") is { Length: > 0 } setting => new RedisTestBroker(setting),
        "rabbitmq" when Environment.GetEnvironmentVariable("STOWLINE_TEST_RABBITMQ") is { Length: > 0 } setting => new RabbitTestBroker(setting),
        _ => null,
    };

    protected static async Task ControlAsync(string script, string variable, string command, params string[] more)
    {
        var folder = Environment.GetEnvironmentVariable(variable) ?? throw new InvalidOperationException(variable + " is not set");
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(Repository.Find(), "tests", script), [command, folder, .. more]))!;
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}

/// <summary>Kafka 0.9, started by tests/kafka.sh.</summary>
public sealed class KafkaTestBroker(string setting) : TestBroker
{
    public override string Name => "kafka";

    /// <summary>The setting <c>kafka</c> for a place.</summary>
    public string SettingOf(string place) => $"{setting};topic={place}-out;intake={place}-in;group={place}";

    private KafkaSettings Settings(string place) => KafkaSettings.Parse(SettingOf(place));

    public override IBrokerOut Out(string place) => new KafkaOut(Settings(place));
    public override IBrokerIn In(string place) => new KafkaIn(Settings(place));
    public override IBrokerQueues Queues(string place) => new KafkaQueues(Settings(place));

    private IEnumerable<KeyValuePair<string, string>> Client(params (string, string)[] more) =>
        KafkaSettings.Parse(setting).Native.Concat(more.Select(m => KeyValuePair.Create(m.Item1, m.Item2))).Append(KeyValuePair.Create("bootstrap.servers", KafkaSettings.Parse(setting).Servers));

    public override Task<IReadOnlyList<(string Key, byte[] Body)>> ReadAsync(string place, int atLeast) => Task.Run<IReadOnlyList<(string, byte[])>>(() =>
    {
        KafkaNative.Need();
        using var consumer = new ConsumerBuilder<string, byte[]>(Client(("group.id", place + "-check"), ("auto.offset.reset", "earliest"), ("enable.auto.commit", "false"))).SetLogHandler((_, _) => { }).Build();
        consumer.Assign(Enumerable.Range(0, 3).Select(p => new TopicPartitionOffset(place + "-out", p, Offset.Beginning)));
        var (found, different) = (new List<(string, byte[])>(), new Different());
        var quiet = Stopwatch.StartNew();
        // After the last one that must come, a little longer: what should not be there must have the chance to show.
        while (quiet.Elapsed < TimeSpan.FromSeconds(60))
        {
            if (consumer.Consume(different.Count < atLeast ? TimeSpan.FromSeconds(1) : TimeSpan.FromMilliseconds(500)) is { } message)
            {
                found.Add((message.Message.Key, message.Message.Value));
                different.Add(message.Message.Key, message.Message.Value);
                quiet.Restart();
            }
            else if (different.Count >= atLeast) break;
        }
        consumer.Close();
        return found;
    });

    public override Task WriteAsync(string place, IReadOnlyList<(string Key, byte[] Body)> messages) => Task.Run(() =>
    {
        KafkaNative.Need();
        using var producer = new ProducerBuilder<string, byte[]>(Client(("acks", "all"), ("max.in.flight", "1"), ("partitioner", "murmur2_random"))).SetLogHandler((_, _) => { }).Build();
        Error? lost = null;
        foreach (var (key, body) in messages)
        {
            while (true)
            {
                try
                {
                    producer.Produce(place + "-in", new Message<string, byte[]> { Key = key, Value = body }, report => lost = report.Error.IsError ? report.Error : lost);
                    break;
                }
                catch (ProduceException<string, byte[]> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
                {
                    producer.Poll(TimeSpan.FromMilliseconds(50));
                }
            }
        }
        Assert.Equal(0, producer.Flush(TimeSpan.FromSeconds(60)));
        if (lost is not null) throw new KafkaException(lost);
    });

    public override Task KillAsync() => ControlAsync("kafka.sh", "STOWLINE_TEST_KAFKA_DIR", "broker-stop", "KILL");
    public override Task StartAsync() => ControlAsync("kafka.sh", "STOWLINE_TEST_KAFKA_DIR", "broker-start");
}
