using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>A message from outside that could not be taken.</summary>
/// <param name="Source">Where it came from, such as <c>kafka:orders-in/0</c>.</param>
/// <param name="Position">Its place there: the same message again has the same.</param>
public sealed record ParkedMessage(string Source, long Position, string Subject, string Error, byte[] Body)
{
    /// <summary>What is kept of a body: as much as a request may have, so that what could be taken can be tried again. Of a larger one the rest tells nothing more about what is wrong.</summary>
    internal const int MostKept = 10 * 1024 * 1024;

    /// <summary>What versions before kept.</summary>
    private const int OnceKept = 64 * 1024;

    /// <summary>Only the beginning of it was kept.</summary>
    public bool IsCut => Body.Length is OnceKept or >= MostKept;
}

/// <summary>
/// Keeps messages that cannot be taken, outside the log, because nobody knows what stands in them. Shown with the parked events (contract, Old
/// systems at the door).
/// </summary>
public static class ParkedMessages
{
    /// <summary>What is tried again at once fits into memory.</summary>
    private const long MostTogether = 64L * 1024 * 1024;

    private sealed record Length { public long Position { get; init; } public long Bytes { get; init; } }

    private sealed record Row
    {
        public long Position { get; init; }
        public string Error { get; init; } = "";
        public byte[] Body { get; init; } = [];
    }

    /// <summary>Durable when it returns, so that the message may then be acknowledged.</summary>
    public static async Task ParkAsync(Lanes lanes, string consumer, IReadOnlyList<ParkedMessage> messages, CancellationToken ct)
    {
        if (messages.Count == 0) return;
        await ChangeAsync(lanes, async tx =>
        {
            foreach (var m in messages)
                await tx.ExecuteAsync("""
                    INSERT INTO parked_messages (consumer, source, position, subject, error, body, parked_at) VALUES (@consumer, @source, @position, @subject, @error, @body, @now)
                    ON CONFLICT (consumer, source, position) DO NOTHING
                    """, new { consumer, source = m.Source, position = m.Position, subject = Short(m.Subject), error = Short(m.Error),
                        body = m.Body.Length <= ParkedMessage.MostKept ? m.Body : m.Body[..ParkedMessage.MostKept], now = tx.Now });
        }, ct);
    }

    /// <summary>How many messages are parked for an intake.</summary>
    public static ValueTask<long> CountAsync(SqlSession session, string consumer) =>
        session.FindAsync<long>("SELECT COUNT(*) FROM parked_messages WHERE consumer = @consumer", new { consumer });

    /// <summary>The first parked messages of a subject, in their order: at most a thousand, and at most 64 MB of them.</summary>
    public static async Task<IReadOnlyList<ParkedMessage>> FindAsync(SqlSession session, string consumer, string source, string subject)
    {
        var lengths = await session.QueryAsync<Length>("""
            SELECT position, LENGTH(body) AS bytes FROM parked_messages WHERE consumer = @consumer AND source = @source AND subject = @subject ORDER BY position LIMIT 1000
            """, new { consumer, source, subject });
        var sum = 0L;
        lengths = [.. lengths.TakeWhile((l, i) => (sum += l.Bytes) <= MostTogether || i == 0)];
        if (lengths.Count == 0) return [];
        return [.. (await session.QueryAsync<Row>("""
            SELECT position, error, body FROM parked_messages WHERE consumer = @consumer AND source = @source AND subject = @subject AND position <= @last ORDER BY position
            """, new { consumer, source, subject, last = lengths[^1].Position })).Select(r => new ParkedMessage(source, r.Position, subject, r.Error, r.Body))];
    }

    /// <summary>These could be taken after all.</summary>
    public static async Task ForgetAsync(Lanes lanes, string consumer, string source, IReadOnlyList<long> positions, CancellationToken ct)
    {
        if (positions.Count == 0) return;
        await ChangeAsync(lanes, async tx =>
        {
            foreach (var position in positions)
                await tx.ExecuteAsync("DELETE FROM parked_messages WHERE consumer = @consumer AND source = @source AND position = @position", new { consumer, source, position });
        }, ct);
    }

    /// <summary>Gives parked messages of a subject up, one or all of them. That, and why, stands in the hub's lane.</summary>
    public static async Task<Outcome<int>> DiscardAsync(Lanes lanes, string consumer, string source, string subject, long? position, string reason, Caller caller, CancellationToken ct) =>
        await lanes.ExecuteAsync<int>(Lane.Hub, caller, async tx =>
        {
            var positions = await tx.QueryAsync<long>("""
                SELECT position FROM parked_messages WHERE consumer = @consumer AND source = @source AND subject = @subject AND position BETWEEN @first AND @last ORDER BY position
                """, new { consumer, source, subject, first = position ?? 0, last = position ?? long.MaxValue });
            if (positions.Count == 0) return Refusal.NotFound("not_parked", $"nothing of {subject} is parked for {consumer}");
            await tx.ExecuteAsync("DELETE FROM parked_messages WHERE consumer = @consumer AND source = @source AND subject = @subject AND position BETWEEN @first AND @last",
                new { consumer, source, subject, first = positions[0], last = positions[^1] });
            tx.Append(Lane.Hub, new ParkedDiscarded(consumer, source, subject, positions, reason), subject);
            return positions.Count;
        }, ct);

    private static async Task ChangeAsync(Lanes lanes, Func<LaneTransaction, Task> change, CancellationToken ct)
    {
        var outcome = await lanes.ExecuteAsync<Done>(Lane.Hub, Caller.System, async tx =>
        {
            await change(tx);
            return new Done();
        }, ct);
        if (!outcome.IsOk) throw new ConsumerStalledException(outcome.Refusal!.Detail);
    }

    private static string Short(string text) => text.Length <= 2_000 ? text : text[..2_000];
}
