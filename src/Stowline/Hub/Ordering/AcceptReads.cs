using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>What a group of orders needs of the database before the first is decided: which of them exist already, and the keys of their people. What the group accepts is added.</summary>
internal sealed class AcceptReads : IGroupReads
{
    private readonly IReadOnlyList<(AcceptOrder Command, Caller Caller)> _items;
    private readonly HashSet<Guid> _people;

    public AcceptReads(IReadOnlyList<(AcceptOrder Command, Caller Caller)> items)
    {
        _items = items;
        _people = items.Where(i => i.Command.Personal is not null).Select(i => i.Command.PersonId).ToHashSet();
        Questions =
        [
            new SetSelect("SELECT channel, external_id, order_id, request_hash FROM order_keys WHERE channel = k.channel AND external_id = k.external_id",
                items.Count, [Column.From("channel", items, i => i.Command.Channel), Column.From("external_id", items, i => i.Command.ExternalId)],
                row => Known[(row.GetString(0), row.GetString(1))] = (row.GetGuid(2), row.GetBytes(3))),
            Personal.Select(_people, PersonKeys),
        ];
    }

    public IReadOnlyList<SetSelect> Questions { get; }

    /// <summary>The orders under these external ids.</summary>
    public Dictionary<(string Channel, string ExternalId), (Guid Id, byte[] Hash)> Known { get; } = [];

    public Dictionary<Guid, byte[]> PersonKeys { get; } = [];

    public void Join(IGroupReads before)
    {
        var accepted = (AcceptReads)before;
        foreach (var (order, _) in _items)
            if (accepted.Known.TryGetValue((order.Channel, order.ExternalId), out var known)) Known[(order.Channel, order.ExternalId)] = known;
        foreach (var person in _people)
            if (accepted.PersonKeys.TryGetValue(person, out var key)) PersonKeys[person] = key;
    }
}
