using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Server.Retail;

/// <summary>
/// How an import talks to its node: "not now" (a backlog, a full queue, a database that is away) is asked again on the injected clock, and
/// every other refusal ends the import with what was being done. Nothing is half done then, and the next run goes on from there.
/// </summary>
internal sealed class NodeCalls(Node node)
{
    private const int MostAttempts = 120;
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(5);

    public Node Node => node;

    /// <summary>Gives a command. With <paramref name="hops"/> its effects can be read afterwards, however long the consumers take.</summary>
    public Task<T?> DoAsync<T>(string what, Lane lane, Caller caller, Func<LaneTransaction, ValueTask<Outcome<T>>> decide, int hops, CancellationToken ct) =>
        DoAsync(what, () => node.Lanes.ExecuteAsync(lane, caller, decide, caller.Idempotency is null ? null : Kept<T>, hops, ct), ct);

    /// <summary>As above for a command that has its own way in. The answer is null where it was given on an earlier run.</summary>
    public async Task<T?> DoAsync<T>(string what, Func<Task<CommandResult<T>>> give, CancellationToken ct)
    {
        var result = await TryAsync(give, ct);
        if (!result.Replayed && result.Outcome.Refusal is { } no) throw new CommandRefusedException($"{what}: {no.Detail} ({no.Code})");
        return result.Replayed ? default : result.Outcome.Value;
    }

    /// <summary>As above, for whoever goes on after a refusal that is not "not now".</summary>
    public async Task<CommandResult<T>> TryAsync<T>(Func<Task<CommandResult<T>>> give, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            var result = await give();
            if (!result.Replayed && result.Outcome.Refusal is { Kind: RefusalKind.Unavailable } no && attempt < MostAttempts)
            {
                await new Signal().WaitAsync(TimeSpan.FromSeconds(no.RetryAfterSeconds ?? 1), node.Time, ct);
                continue;
            }
            if (result.Pending) await DrainAsync(ct);
            return result;
        }
    }

    /// <summary>Waits until every consumer has seen everything: after a kill there may be things that the hub has not heard of yet.</summary>
    public async Task DrainAsync(CancellationToken ct)
    {
        while (!node.IsDrained) await new Signal().WaitAsync(Glance, node.Time, ct);
    }

    /// <summary>Only that the document was booked needs to be remembered.</summary>
    private static StoredAnswer? Kept<T>(Outcome<T> outcome) => outcome.IsOk ? new StoredAnswer(201, null, []) : null;
}
