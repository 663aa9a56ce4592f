namespace Stowline.Log;

/// <summary>How far a consumer of a lane is, and who waits for it to get further.</summary>
/// <param name="target">The lane whose scope the consumer writes.</param>
internal sealed class ConsumerProgress(string consumer, Lane lane, Lane target, Signal wake)
{
    private static readonly IReadOnlyList<(Lane, long)> Nothing = [];

    /// <summary>Stands for effects that another process wrote.</summary>
    public static readonly IReadOnlyList<(Lane, long)> Elsewhere = new List<(Lane, long)>();
    private readonly Lock _gate = new();
    private readonly LinkedList<(long Position, TaskCompletionSource<IReadOnlyList<(Lane, long)>> Waiter)> _waiting = new();
    private readonly LinkedList<(long Upto, IReadOnlyList<(Lane, long)> Effects)> _recent = new();
    private long _position;
    private long _head;
    private bool _isKnown;

    public string Consumer => consumer;
    public Lane Lane => lane;
    public Lane Target => target;
    public long Position => Volatile.Read(ref _position);
    public long Head => Math.Max(Volatile.Read(ref _head), Position);
    public long Lag => Head - Position;

    /// <summary>False until the stored cursor has been read: until then a lag of zero says nothing.</summary>
    public bool IsKnown => Volatile.Read(ref _isKnown);

    public void Wake() => wake.Set();

    public void HeadMovedTo(long position)
    {
        lock (_gate) _head = Math.Max(_head, position);
        wake.Set();
    }

    /// <summary>The lane is set back to a position, and the consumer with it: where it stands must be read again.</summary>
    public void SetBackTo(long position)
    {
        lock (_gate) (_head, _position, _isKnown) = (position, Math.Min(_position, position), false);
        wake.Set();
    }

    /// <summary>Completes when the position is behind the consumer, with what the consumer appended on the way.</summary>
    public Task<IReadOnlyList<(Lane, long)>> ReachAsync(long position)
    {
        lock (_gate)
        {
            if (_position >= position)
            {
                foreach (var (upto, effects) in _recent)
                    if (upto >= position) return Task.FromResult(effects);
                return Task.FromResult(Nothing);
            }
            var waiter = new TaskCompletionSource<IReadOnlyList<(Lane, long)>>(TaskCreationOptions.RunContinuationsAsynchronously);
            var node = _waiting.Last;
            while (node is not null && node.Value.Position > position) node = node.Previous;
            if (node is null) _waiting.AddFirst((position, waiter));
            else _waiting.AddAfter(node, (position, waiter));
            return waiter.Task;
        }
    }

    public void MovedTo(long position, IReadOnlyList<(Lane, long)> effects)
    {
        var reached = new List<TaskCompletionSource<IReadOnlyList<(Lane, long)>>>();
        lock (_gate)
        {
            if (position < _position || position == _position && _isKnown) return; // heard late
            _position = position;
            _isKnown = true;
            _recent.AddLast((position, effects));
            if (_recent.Count > 64) _recent.RemoveFirst();
            while (_waiting.First is { } first && first.Value.Position <= _position)
            {
                reached.Add(first.Value.Waiter);
                _waiting.RemoveFirst();
            }
        }
        foreach (var waiter in reached) waiter.TrySetResult(effects);
    }
}
