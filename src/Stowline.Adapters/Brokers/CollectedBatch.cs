namespace Stowline.Adapters.Brokers;

/// <summary>
/// For a client that wants all messages of a batch at once. They stand one behind the other in memory that is used again when the broker has confirmed them: tens of thousands in a
/// second would otherwise outlive one collection after the other.
/// </summary>
/// <param name="publish">Publishes in order, as <see cref="IOutgoingBatch.ConfirmAsync"/> has it.</param>
public sealed class CollectedBatch(Func<IReadOnlyList<OutgoingMessage>, CancellationToken, Task<IReadOnlyList<(int Index, string Reason)>>> publish) : IOutgoingBatch
{
    private readonly List<OutgoingMessage> _messages = [];
    private readonly MessageMemory _memory = new();

    public void Add(string key, string type, ReadOnlySpan<byte> body) => _messages.Add(new OutgoingMessage(key, type, _memory.Keep(body)));

    public IOutgoingBatch Next() => new CollectedBatch(publish);

    public async Task<IReadOnlyList<(int Index, string Reason)>> ConfirmAsync(CancellationToken ct)
    {
        var refused = await publish(_messages, ct);
        _memory.Free(); // not after a failure: the broker's client may still hold on to some
        return refused;
    }
}
