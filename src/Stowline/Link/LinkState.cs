using System.Text.Json.Serialization;
using Stowline.Contracts;

namespace Stowline.Link;

/// <summary>How a link stands. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<LinkCondition>))]
public enum LinkCondition
{
    /// <summary>Both sides hear each other.</summary>
    Connected = 1,

    /// <summary>Nothing is heard; both sides work on.</summary>
    Cut = 2,

    /// <summary>They hear each other, but a lane stands still: its writer was restored and waits for an operator, or lane and copy have different histories.</summary>
    Diverged = 3,

    /// <summary>At the hub: an operator has given the site up. Whether it is heard shows in the time of the last contact.</summary>
    GivenUp = 4,
}

/// <summary>One lane over a link. <see cref="Head"/> is where its writer has last been known to be, <see cref="Position"/> where the copy is.</summary>
public sealed record LinkedLane
{
    public required string Lane { get; init; }
    public long Position { get; set; }
    public long Head { get; set; }

    /// <summary>Since when the copy is behind; null while it has everything that is known of.</summary>
    public DateTimeOffset? BehindSince { get; set; }

    /// <summary>Why it stands still; null while it does not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Diverged { get; set; }
}

/// <summary>
/// What is known of the link of one site, on this side. Written by the session that lives, read by everybody; each value stands for itself, so what is
/// read together may be a moment apart.
/// </summary>
public sealed class LinkState(string site)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedLane> _lanes = new(StringComparer.Ordinal);
    private object? _session;

    public string Site => site;
    public DateTimeOffset? LastContact { get; private set; }
    public string? Peer { get; private set; }
    public string? PeerVersion { get; private set; }

    /// <summary>Why the other side does not want to talk to this one; null when it does, or was not reached.</summary>
    public string? Refused { get; set; }

    /// <summary>Whether a session of this process hears the other side.</summary>
    public bool IsConnected
    {
        get { lock (_gate) return _session is not null; }
    }

    public IReadOnlyList<LinkedLane> Lanes
    {
        get { lock (_gate) return [.. _lanes.Values.Select(l => l with { }).OrderBy(l => l.Lane, StringComparer.Ordinal)]; }
    }

    /// <summary>A session has shaken hands. A later one takes the place of an earlier, whose end then says nothing any more.</summary>
    internal void Opened(object session, string peer, string version, DateTimeOffset now)
    {
        object? earlier;
        lock (_gate)
        {
            (earlier, _session) = (_session, session);
            _lanes.Clear();
            (Peer, PeerVersion, LastContact, Refused) = (peer, version, now, null);
        }
        // What is still under way on the old connection must not be taken over any more: its sender may have been restored since, and be told what is here.
        if (earlier is LinkEnd end && !ReferenceEquals(end, session)) end.End("a newer connection has taken its place");
    }

    internal void Heard(DateTimeOffset now)
    {
        lock (_gate) LastContact = now;
    }

    internal void Closed(object session)
    {
        lock (_gate)
            if (ReferenceEquals(_session, session)) _session = null;
    }

    /// <param name="position">Where the copy is, if that is news.</param>
    /// <param name="head">Where the writer is, if that is news.</param>
    /// <param name="diverged">Why the lane stands still, if that is news: in place of what was said before. It goes on with another connection only.</param>
    internal void Stands(string lane, DateTimeOffset now, long? position = null, long? head = null, string? diverged = null)
    {
        lock (_gate)
        {
            if (!_lanes.TryGetValue(lane, out var known)) _lanes[lane] = known = new LinkedLane { Lane = lane };
            if (position is { } p) known.Position = Math.Max(known.Position, p);
            known.Head = Math.Max(Math.Max(known.Head, head ?? 0), diverged is null ? known.Position : 0);
            known.BehindSince = known.Position >= known.Head ? null : known.BehindSince ?? now;
            known.Diverged = diverged ?? known.Diverged;
        }
    }
}
