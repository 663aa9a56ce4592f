using Stowline.Contracts;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Link;

/// <summary>
/// A site prints the address on the label, so it gets the key of the person with the part of the order: as it is now, and none when the person has been erased
/// since. The key travels beside the lane and is in no log.
/// </summary>
internal static class LinkKeys
{
    /// <summary>The keys that go with these groups.</summary>
    public static async Task<IReadOnlyList<PersonKey>> ForAsync(SqlSession session, IReadOnlyList<LaneGroup> groups)
    {
        Guid[] people = [.. PeopleIn(groups.SelectMany(g => g.Events))];
        return people.Length == 0 ? [] : await Personal.GiveAsync(session, people);
    }

    /// <summary>The persons whose parcels these events speak of.</summary>
    public static IEnumerable<Guid> PeopleIn(IEnumerable<EventRecord> events) => events.Where(e => e.Type == PartAssigned.Type).Select(e => e.Read<PartAssigned>())
        .Where(p => p.Personal is not null).Select(p => p.PersonId).Distinct();
}
