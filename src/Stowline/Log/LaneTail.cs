namespace Stowline.Log;

/// <summary>
/// The newest events of a lane in memory, so that the consumers of what was just committed need not read and parse it again. A window of
/// consecutive positions; anything that does not follow on (another process wrote) starts a new window.
/// </summary>
internal sealed class LaneTail
{
    /// <summary>More than consumers that keep up ever lag. Each is kept alive for so many others: with eight times as many, collecting garbage took a tenth of the time of accepting orders.</summary>
    private const int Capacity = 1024;
    private EventRecord[]? _ring; // made with the first event: of most lanes, others only say how far they go
    private readonly Lock _gate = new();
    private long _first = 1;
    private long _next = 1;
    private long _looked;
    private long _head;

    /// <summary>How far the lane is known to go, whoever wrote it; memory may have less.</summary>
    public long Head => Volatile.Read(ref _head);

    /// <summary>Answers what was known before.</summary>
    public long HeadIs(long position)
    {
        lock (_gate)
        {
            var before = _head;
            if (position > before) Volatile.Write(ref _head, position);
            return before;
        }
    }

    public void Append(IReadOnlyList<EventRecord> events)
    {
        lock (_gate)
        {
            _ring ??= new EventRecord[Capacity];
            foreach (var e in events)
            {
                if (e.Position != _next) _first = e.Position;
                _ring[e.Position % Capacity] = e;
                _next = e.Position + 1;
                if (_next - _first > Capacity) _first = _next - Capacity;
            }
            if (_next - 1 > _head) Volatile.Write(ref _head, _next - 1);
        }
    }

    /// <summary>True at most five times a second: whether to ask the database for what other processes have written.</summary>
    public bool IsTimeToLook(TimeProvider time)
    {
        var now = time.GetTimestamp();
        lock (_gate)
        {
            if (_looked != 0 && time.GetElapsedTime(_looked, now) < TimeSpan.FromMilliseconds(200)) return false;
            _looked = now;
            return true;
        }
    }

    /// <summary>The events after a position, at most <paramref name="limit"/>; null when the window does not reach back so far.</summary>
    public IReadOnlyList<EventRecord>? After(long position, int limit)
    {
        lock (_gate)
        {
            if (_ring is null || position + 1 < _first || position >= _next) return null;
            var count = (int)Math.Min(limit, _next - position - 1);
            var events = new EventRecord[count];
            for (var i = 0; i < count; i++) events[i] = _ring[(position + 1 + i) % Capacity];
            return events;
        }
    }
}
