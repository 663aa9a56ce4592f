using System.Globalization;
using System.Text.Json;
using StackExchange.Redis;
using Stowline.Adapters.Brokers;
using Stowline.Log;

namespace Stowline.Adapters.Redis;

/// <summary>
/// Reads one stream as a consumer of a group. First what was given to us before and is not acknowledged, then what others have abandoned, then what is new. An
/// entry's body is its field <c>body</c>, where it has one (with its key in <c>key</c>), else all its fields as JSON.
/// </summary>
/// <param name="isOurs">Of several processes on one database one reads: a cancellation must not overtake its order.</param>
public sealed class RedisIn(RedisLink link, RedisSettings settings, string stream, string group, string keyField, TimeProvider time, Func<bool> isOurs) : IBrokerIn
{
    private bool _hasGroup;
    private string? _given = "0"; // null when nothing is left of what was given to us before
    private string _claimFrom = "0-0";
    private readonly Rest _claims = new(time);

    public string Name => "redis intake " + stream;
    public string? Trouble => null; // it throws what is wrong
    private string Source => "redis:" + stream;

    public async Task<IReadOnlyList<IncomingMessage>> ReceiveAsync(int most, CancellationToken ct)
    {
        if (!isOurs())
        {
            _given = "0";
            return [];
        }
        try
        {
            if (!_hasGroup) await MakeGroupAsync(ct);
            if (_given is not null)
            {
                var again = await ReadAsync(_given, most, ct);
                _given = again.Count > 0 ? (string)again[^1].Tag : null;
                if (again.Count > 0) return again;
            }
            if (_claims.IsOver && await ClaimAsync(most, ct) is { Count: > 0 } abandoned) return abandoned;
            return await ReadAsync(">", most, ct);
        }
        catch (RedisServerException e) when (e.Message.StartsWith("NOGROUP", StringComparison.Ordinal))
        {
            (_hasGroup, _given) = (false, "0"); // somebody deleted the stream or the group: it is made again, from the beginning of what is there
            return [];
        }
        catch
        {
            _given = "0"; // the answer may have been lost on its way here: what it gave us must not be overtaken
            throw;
        }
    }

    private async Task MakeGroupAsync(CancellationToken ct)
    {
        try
        {
            await link.RunAsync("XGROUP", ct, "CREATE", stream, group, "0", "MKSTREAM");
        }
        catch (RedisServerException e) when (e.Message.StartsWith("BUSYGROUP", StringComparison.Ordinal))
        {
            // it is there: with what it has been given so far
        }
        _hasGroup = true;
    }

    private async Task<IReadOnlyList<IncomingMessage>> ReadAsync(string from, int most, CancellationToken ct)
    {
        var answer = await link.RunAsync("XREADGROUP", ct, "GROUP", group, settings.Consumer, "COUNT", most, "STREAMS", stream, from);
        return answer.IsNull ? [] : Entries(((RedisResult[])((RedisResult[])answer)[0])[1]);
    }

    private async Task<IReadOnlyList<IncomingMessage>> ClaimAsync(int most, CancellationToken ct)
    {
        var answer = (RedisResult[])await link.RunAsync("XAUTOCLAIM", ct, stream, group, settings.Consumer, (long)settings.Claim.TotalMilliseconds, _claimFrom, "COUNT", most);
        _claimFrom = (string)answer[0];
        if (_claimFrom == "0-0") _claims.For(TimeSpan.FromTicks(Math.Min(settings.Claim.Ticks / 4, TimeSpan.TicksPerSecond * 10)));
        return Entries(answer[1]);
    }

    private List<IncomingMessage> Entries(RedisResult answer)
    {
        var messages = new List<IncomingMessage>();
        if (answer.IsNull) return messages;
        foreach (var entry in (RedisResult[])answer)
        {
            if (entry.IsNull) continue; // was deleted while it was pending
            var parts = (RedisResult[])entry;
            var id = (string)parts[0];
            var fields = new List<KeyValuePair<string, byte[]>>();
            if (!parts[1].IsNull)
            {
                var flat = (RedisResult[])parts[1];
                for (var i = 0; i + 1 < flat.Length; i += 2) fields.Add(new((string)flat[i], (byte[])flat[i + 1]));
            }
            messages.Add(new IncomingMessage(Source, Position(id), Find(fields, keyField) is { } key ? System.Text.Encoding.UTF8.GetString(key) : null,
                Find(fields, "body") ?? Json(fields), id));
        }
        return messages;
    }

    private static byte[]? Find(List<KeyValuePair<string, byte[]>> fields, string name) => fields.Find(f => f.Key == name).Value;

    private static byte[] Json(List<KeyValuePair<string, byte[]>> fields)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var (name, value) in fields) json.WriteString(name, System.Text.Encoding.UTF8.GetString(value));
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    /// <summary>An id is milliseconds and a number within them; both fit into one number that orders in the same way.</summary>
    private static long Position(string id)
    {
        var dash = id.IndexOf('-');
        var ms = long.Parse(id.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture);
        var within = ulong.Parse(id.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture);
        return (ms << 20) | (long)(within & 0xF_FFFF);
    }

    public async Task AcknowledgeAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct) =>
        await link.RunAsync("XACK", ct, [stream, group, .. messages.Select(m => m.Tag)]);

    public Task RewindAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct)
    {
        _given = "0";
        return Task.CompletedTask;
    }

    public async Task<QueueState?> StateAsync(CancellationToken ct)
    {
        if (!_hasGroup) return null;
        if ((await StreamGroup.AllAsync(link, stream, ct)).FirstOrDefault(g => g.Name == group) is not { } ours) return null;
        var waits = ours.Waiting ?? (ours.Next is null ? 0 : 1); // Redis 6.2 does not count them
        return new QueueState(waits, ours.Pending, ours.Next is { } next ? StreamGroup.Age(next, time.GetUtcNow()) : TimeSpan.Zero);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask; // the link is shared
}
