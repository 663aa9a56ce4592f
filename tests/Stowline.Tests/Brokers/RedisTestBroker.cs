using StackExchange.Redis;
using Stowline.Adapters.Brokers;
using Stowline.Adapters.Redis;

namespace Stowline.Tests.Brokers;

/// <summary>Redis 7, started by tests/redis.sh.</summary>
public sealed class RedisTestBroker(string setting) : TestBroker
{
    public override string Name => "redis";
    public RedisSettings Settings { get; } = RedisSettings.Parse(setting + ";claim=1");
    private RedisLink Link() => new(Settings, TimeProvider.System);

    /// <summary>
    /// For single commands, one connection for all tests: this client, as old as it is, may send a command twice that comes while its connection is still being made.
    /// It connects again by itself when the server was stopped.
    /// </summary>
    private RedisLink Hand() => Hands.GetOrAdd(setting, _ => Link());
    private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, RedisLink> Hands = new(StringComparer.Ordinal);

    public override IBrokerOut Out(string place) => new RedisOut(new RedisStreams(Link(), Settings), place + "-out");
    public override IBrokerIn In(string place) => new RedisIn(Link(), Settings, place + "-in", place, "key", TimeProvider.System, () => true);

    public override IBrokerQueues Queues(string place) => new RedisQueues(Settings, TimeProvider.System, [(place + "-in", QueueKind.In), (place + "-out", QueueKind.Out)]);

    /// <summary>All entries of a stream as (id, fields), by a client of its own.</summary>
    public async Task<List<(string Id, List<KeyValuePair<string, byte[]>> Fields)>> EntriesAsync(string stream)
    {
        await using var link = Link();
        var found = new List<(string, List<KeyValuePair<string, byte[]>>)>();
        for (var from = "-"; ; from = "(" + found[^1].Item1)
        {
            var page = (RedisResult[])(await link.RunAsync("XRANGE", default, stream, from, "+", "COUNT", 10_000))!;
            foreach (var entry in page.Select(e => (RedisResult[])e!))
            {
                var flat = (RedisResult[])entry[1]!;
                found.Add(((string)entry[0]!, [.. Enumerable.Range(0, flat.Length / 2).Select(i => KeyValuePair.Create((string)flat[2 * i]!, (byte[])flat[2 * i + 1]!))]));
            }
            if (page.Length < 10_000) return found;
        }
    }

    public override async Task<IReadOnlyList<(string Key, byte[] Body)>> ReadAsync(string place, int atLeast) =>
        [.. (await EntriesAsync(place + "-out")).Select(e => (System.Text.Encoding.UTF8.GetString(e.Fields[0].Value), e.Fields[2].Value))];

    /// <summary>Each message once, although this client may send commands twice also behind the first that was answered: 79 of 40 have been seen in a stream.</summary>
    public override async Task WriteAsync(string place, IReadOnlyList<(string Key, byte[] Body)> messages)
    {
        const string once = "if redis.call('SET', KEYS[2], 1, 'NX') then return redis.call('XADD', KEYS[1], '*', 'key', ARGV[1], 'body', ARGV[2]) end";
        await using var link = Link();
        await link.RunAsync("PING", default);
        await Task.WhenAll(messages.Select(m => link.RunAsync("EVAL", default, once, 2, place + "-in", $"{place}-{Guid.NewGuid():N}", m.Key, m.Body)));
    }

    public Task<RedisResult> RunAsync(string command, params object[] args) => Hand().RunAsync(command, default, args);

    public override Task KillAsync() => ControlAsync("redis.sh", "STOWLINE_TEST_REDIS_DIR", "stop", "KILL");
    public override Task StartAsync() => ControlAsync("redis.sh", "STOWLINE_TEST_REDIS_DIR", "start");
}
