using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Server.Demo;

/// <summary>
/// How the people of the sample business talk to their node: with the commands that everybody has. A "no" is an answer like any other –
/// somebody cancelled, held or shipped the order first –, so it is not an error; what matters is found again in the next look.
/// </summary>
internal sealed class DemoDesk(Node node)
{
    public Node Node => node;

    /// <summary>Gives a command and waits until it is durable, not for what follows from it: this pump is one of those that run in turn.</summary>
    public async Task<Outcome<T>> AskAsync<T>(Lane lane, string who, Func<LaneTransaction, ValueTask<Outcome<T>>> decide, CancellationToken ct) =>
        (await node.Lanes.ExecuteAsync(lane, new Caller(who), decide, render: null, hops: 0, ct)).Outcome;

    /// <exception cref="InvalidOperationException">It was refused, which must not be: the pump is tried again.</exception>
    public async Task<T> MustAsync<T>(string what, Lane lane, string who, Func<LaneTransaction, ValueTask<Outcome<T>>> decide, CancellationToken ct)
    {
        var outcome = await AskAsync(lane, who, decide, ct);
        return outcome.Refusal is { } no ? throw new InvalidOperationException($"{what}: {no.Detail} ({no.Code})") : outcome.Value;
    }

    public Task<T> ReadAsync<T>(Func<Store.SqlSession, Task<T>> read, CancellationToken ct) => node.Database.ReadAsync(read, ct);
}
