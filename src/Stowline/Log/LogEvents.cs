namespace Stowline.Log;

/// <summary>
/// Every lane that the node writes: it was restored from a backup. What stood in the lane after <paramref name="BackupAt"/> is not in the
/// database any more, and this event opens the new incarnation.
/// </summary>
/// <param name="TakenBack">How many events copies of the node's lanes gave back before it went on.</param>
/// <param name="Lost">What of this lane is known to have been written and nobody has.</param>
public sealed record NodeRestored(int FromIncarnation, DateTimeOffset BackupAt, long TakenBack = 0, IReadOnlyList<LostEvents>? Lost = null) : IEvent
{
    public static string Type => "node.restored";
}

/// <summary>
/// A lane of which a copy knew another history: the <paramref name="Count"/> events that follow were in that history, from <paramref name="First"/> to <paramref name="Last"/>, and are here now
/// with the ids and times of then. It parts from this one after <paramref name="Fork"/>.
/// </summary>
/// <param name="Site">The site whose copy it was.</param>
/// <param name="Unapplied">Types of those events that could not be brought into tables, with how many.</param>
public sealed record LaneJoined(string Site, long Fork, long First, long Last, int Count, IReadOnlyDictionary<string, long>? Unapplied = null) : IEvent
{
    public static string Type => "lane.joined";
}

/// <summary>A site's lane: the last event that the hub has written there. The site was moved out, and its own node goes on with <see cref="LaneTakenOver"/>.</summary>
public sealed record LaneHandedOver : IEvent
{
    public static string Type => "lane.handed_over";
}

/// <summary>A site's lane: the first event of the site's own node, which opens its incarnation.</summary>
/// <param name="HandedOverAt">When the hub let go of the lane.</param>
public sealed record LaneTakenOver(int FromIncarnation, DateTimeOffset HandedOverAt) : IEvent
{
    public static string Type => "lane.taken_over";
}

/// <summary>The lane that a consumer writes: an operator gave up parked events of a subject. The consumer will never see them.</summary>
/// <param name="Lane">The lane that was being read.</param>
public sealed record ParkedDiscarded(string Consumer, string Lane, string Subject, IReadOnlyList<long> Positions, string Reason) : IEvent
{
    public static string Type => "parked.discarded";
}
