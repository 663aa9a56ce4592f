namespace Stowline.Log;

/// <summary>
/// What one writer remembers of a scope between its transactions, so that the hottest commands need not read it again. Good only while nobody else
/// writes the scope: each transaction raises the scope's version, and one that finds it raised by anybody else, in this process or another,
/// begins with an empty memory. It is changed after a commit only, or, where
/// the next group is decided before that (<see cref="GroupTransaction.Presume"/>), forgotten should the commit fail: a rollback cannot leave it wrong.
/// </summary>
internal sealed class ScopeMemory
{
    private readonly Dictionary<Type, object> _items = [];

    /// <summary>The version that the last transaction of this writer left behind.</summary>
    public long Version { get; private set; } = -1;

    /// <summary>A transaction begins, as version <paramref name="version"/>.</summary>
    public void Begin(long version)
    {
        if (version != Version + 1) _items.Clear();
    }

    public void Committed(long version) => Version = version;

    /// <summary>Nothing that is in it is to be relied on.</summary>
    public void Forget()
    {
        _items.Clear();
        Version = -1;
    }

    public T Get<T>() where T : class, new()
    {
        if (_items.TryGetValue(typeof(T), out var known)) return (T)known;
        var made = new T();
        _items[typeof(T)] = made;
        return made;
    }
}
