using Stowline.Kernel;

namespace Stowline.Log;

/// <summary>
/// The bounded queue before a writer. Consumers have their own share, so that intake cannot starve the work that intake makes.
/// </summary>
internal sealed class CommandQueue(int capacity)
{
    public const int GroupSize = 256;
    private const int ConsumerShare = 8;
    private readonly Lock _gate = new();
    private readonly LinkedList<PendingCommand> _clients = new();
    private readonly Queue<PendingCommand> _consumers = new();
    private int _ahead;
    private bool _closed;

    /// <summary>Wakes the writer.</summary>
    public Action Woken { get; set; } = () => { };

    public int Depth
    {
        get { lock (_gate) return _clients.Count; }
    }

    /// <summary>How many commands wait, whoever gave them.</summary>
    public int Waiting
    {
        get { lock (_gate) return _clients.Count + _consumers.Count; }
    }

    /// <summary>All that wait have handlers that know beforehand what they ask.</summary>
    public bool AllReadAhead
    {
        get { lock (_gate) return _consumers.Count == 0 && _clients.Count == _ahead; }
    }

    public bool HasConsumers
    {
        get { lock (_gate) return _consumers.Count > 0; }
    }

    /// <summary>False when the queue is full: the caller answers 503 with Retry-After.</summary>
    public bool TryAdd(PendingCommand command, bool isConsumer)
    {
        lock (_gate)
        {
            if (_closed) return false;
            if (isConsumer) _consumers.Enqueue(command);
            else if (_clients.Count >= capacity) return false;
            else
            {
                _clients.AddLast(command);
                if (command.ReadsAhead) _ahead++;
            }
        }
        Woken();
        return true;
    }

    /// <summary>The next group: consumers first, then clients in order of arrival. A repeated idempotency key waits for the next group.</summary>
    /// <param name="most">How many of clients at most.</param>
    public IReadOnlyList<PendingCommand> Take(int most = GroupSize)
    {
        lock (_gate)
        {
            var group = new List<PendingCommand>(Math.Min(GroupSize, _clients.Count) + Math.Min(ConsumerShare, _consumers.Count));
            while (group.Count < ConsumerShare && _consumers.TryDequeue(out var consumer)) group.Add(consumer);
            HashSet<string>? keys = null;
            var room = Math.Min(GroupSize, most);
            for (var node = _clients.First; node is not null && room > 0;)
            {
                var next = node.Next;
                var key = node.Value.Caller.Idempotency?.Text;
                if (key is null || (keys ??= []).Add(key))
                {
                    group.Add(node.Value);
                    _clients.Remove(node);
                    if (node.Value.ReadsAhead) _ahead--;
                    room--;
                }
                node = next;
            }
            return group;
        }
    }

    /// <summary>Refuses what still waits and takes no more.</summary>
    public void Close()
    {
        PendingCommand[] left;
        lock (_gate)
        {
            _closed = true;
            left = [.. _consumers, .. _clients];
            _consumers.Clear();
            _clients.Clear();
            _ahead = 0;
        }
        foreach (var command in left) command.Refuse(Refusal.Unavailable("shutting_down", "this node is shutting down; nothing was stored", 2));
    }
}
