using Stowline.Kernel;

namespace Stowline.Log;

/// <summary>A message from outside that could not be taken.</summary>
/// <param name="Source">Where it came from, such as <c>kafka:orders-in/0</c>.</param>
/// <param name="Position">Its place there: the same message again has the same.</param>
public sealed record ParkedMessage(string Source, long Position, string Subject, string Error, byte[] Body);

/// <summary>
/// Keeps messages that cannot be taken, outside the log, because nobody knows what stands in them. Shown with the parked events (contract, Old
/// systems at the door).
/// </summary>
public static class ParkedMessages
{
    /// <summary>What is kept of a body; the rest of a larger one tells nothing more about what is wrong.</summary>
    private const int MostKept = 64 * 1024;

    /// <summary>Durable when it returns, so that the message may then be acknowledged.</summary>
    public static async Task ParkAsync(Lanes lanes, string consumer, IReadOnlyList<ParkedMessage> messages, CancellationToken ct)
    {
        if (messages.Count == 0) return;
        var outcome = await lanes.ExecuteAsync<Done>(Lane.Hub, Caller.System, async tx =>
        {
            foreach (var m in messages)
                await tx.ExecuteAsync("""
                    INSERT INTO parked_messages (consumer, source, position, subject, error, body, parked_at) VALUES (@consumer, @source, @position, @subject, @error, @body, @now)
                    ON CONFLICT (consumer, source, position) DO NOTHING
                    """, new { consumer, source = m.Source, position = m.Position, subject = Short(m.Subject), error = Short(m.Error),
                        body = m.Body.Length <= MostKept ? m.Body : m.Body[..MostKept], now = tx.Now });
            return new Done();
        }, ct);
        if (!outcome.IsOk) throw new ConsumerStalledException(outcome.Refusal!.Detail);
    }

    private static string Short(string text) => text.Length <= 2_000 ? text : text[..2_000];
}
