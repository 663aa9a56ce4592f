namespace Stowline.Log;

/// <summary>
/// Whether this process runs the consumers. Of the processes on one database one is on duty, so that the others do not do the same work for
/// nothing. Nothing is wrong when two believe it for a moment, or none: cursors move by compare-and-set in the transaction of their effects.
/// </summary>
internal sealed class Duty
{
    private int _term;
    private volatile bool _isOurs = true;

    /// <summary>True also for a process that has no neighbors to share with.</summary>
    public bool IsOurs => _isOurs;

    /// <summary>Another one each time the duty comes or goes: cursors that were remembered from before may have been moved by others.</summary>
    public int Term => Volatile.Read(ref _term);

    public void Take() => Set(true);

    public void Lose() => Set(false);

    private void Set(bool ours)
    {
        if (_isOurs == ours) return;
        Interlocked.Increment(ref _term);
        _isOurs = ours;
    }
}
