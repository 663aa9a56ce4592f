using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// The other processes on this database: what is to be told to them, and who has yet to confirm what. What is told waits here until it is
/// sent, and later news replaces older, so a slow connection makes messages rarer, not longer.
/// </summary>
internal sealed class Neighbors(string self)
{
    /// <summary>PostgreSQL's limit for a notification is 8000 bytes.</summary>
    private const int MostBytes = 7_900;

    private sealed record Announcement(long Number, HashSet<string> Missing, TaskCompletionSource Heard);

    private readonly Lock _gate = new();
    private readonly HashSet<string> _others = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _heads = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Consumer, string Lane), long> _moves = [];
    private readonly Dictionary<string, long> _seen = new(StringComparer.Ordinal);
    private readonly HashSet<string> _topics = new(StringComparer.Ordinal);
    private readonly List<Announcement> _unheard = [];
    private bool _hello;
    private long _announced;
    private volatile bool _any;
    private IReadOnlyList<NodeProcess> _processes = [];

    public string Self => self;

    /// <summary>False while this process is alone: then nothing is gathered and nothing sent.</summary>
    public bool Any => _any;

    /// <summary>Set when there is something to tell.</summary>
    public Signal ToTell { get; } = new();

    /// <summary>Everybody on the database, this process too, as last seen; empty before this one has joined.</summary>
    public IReadOnlyList<NodeProcess> Processes => Volatile.Read(ref _processes);

    public void Wrote(Lane lane, long head)
    {
        if (!_any) return;
        lock (_gate) _heads[lane.Name] = Math.Max(head, _heads.GetValueOrDefault(lane.Name));
        ToTell.Set();
    }

    public void Moved(string consumer, Lane lane, long to)
    {
        if (!_any) return;
        lock (_gate) _moves[(consumer, lane.Name)] = to;
        ToTell.Set();
    }

    /// <summary>Tells that something which others may keep in memory has changed. Completes when all of them have confirmed that they forgot it.</summary>
    public Task Announce(IReadOnlyCollection<string> topics)
    {
        lock (_gate)
        {
            if (!_any) return Task.CompletedTask;
            _topics.UnionWith(topics);
            var announcement = new Announcement(++_announced, new HashSet<string>(_others, StringComparer.Ordinal), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            _unheard.Add(announcement);
            ToTell.Set();
            return announcement.Heard.Task;
        }
    }

    /// <summary>Confirms an announcement that was acted on.</summary>
    public void Saw(string from, long number)
    {
        if (number == 0) return;
        lock (_gate) _seen[from] = Math.Max(number, _seen.GetValueOrDefault(from));
        ToTell.Set();
    }

    public void SayHello()
    {
        lock (_gate) _hello = true;
        ToTell.Set();
    }

    /// <summary>Somebody has joined: from now on there is somebody to tell.</summary>
    public void Greet(string other)
    {
        lock (_gate)
        {
            _others.Add(other);
            _any = true;
        }
    }

    /// <summary>Tells of changes without waiting for anybody.</summary>
    public void Repeat(IEnumerable<string> topics)
    {
        lock (_gate) _topics.UnionWith(topics);
        ToTell.Set();
    }

    public void Confirmed(string by, long number)
    {
        lock (_gate) Release(a => a.Number <= number && a.Missing.Remove(by));
    }

    public void Gone(string other)
    {
        lock (_gate) KeepOnly(_others.Where(o => o != other).ToArray());
    }

    /// <summary>Who is there by the database's account. Nobody waits any longer for those that are not.</summary>
    public void Present(IReadOnlyList<NodeProcess> processes)
    {
        Volatile.Write(ref _processes, processes);
        lock (_gate) KeepOnly([.. processes.Select(p => p.Id).Where(id => id != self)]);
    }

    private void KeepOnly(string[] others)
    {
        _others.Clear();
        _others.UnionWith(others);
        _any = _others.Count > 0;
        Release(a => a.Missing.RemoveWhere(m => !_others.Contains(m)) > 0);
    }

    private void Release(Func<Announcement, bool> change)
    {
        foreach (var announcement in _unheard)
            if (change(announcement) && announcement.Missing.Count == 0) announcement.Heard.TrySetResult();
        _unheard.RemoveAll(a => a.Missing.Count == 0);
    }

    /// <summary>All that is to be told now, as texts in the order to send them.</summary>
    public IReadOnlyList<string> Take()
    {
        lock (_gate)
        {
            var message = new NeighborMessage(self)
            {
                Hello = _hello, Heads = _heads.Count == 0 ? null : new Dictionary<string, long>(_heads, StringComparer.Ordinal),
                Moves = _moves.Count == 0 ? null : [.. _moves.Select(m => new NeighborMove(m.Key.Consumer, m.Key.Lane, m.Value))],
                Seen = _seen.Count == 0 ? null : new Dictionary<string, long>(_seen, StringComparer.Ordinal),
                Topics = _topics.Count == 0 ? null : [.. _topics], Number = _topics.Count == 0 || _unheard.Count == 0 ? 0 : _announced,
            };
            _hello = false;
            _heads.Clear();
            _moves.Clear();
            _seen.Clear();
            _topics.Clear();
            return message.ToTexts(MostBytes);
        }
    }
}
