namespace Stowline.Simulation;

/// <summary>
/// One thread, and every continuation in the order in which it came: what is awaited inside a simulation goes on here and nowhere else. A
/// continuation that comes from another thread would make two runs of one seed differ, so it ends the run.
/// </summary>
internal sealed class StepContext : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _waiting = new();
    private readonly int _thread = Environment.CurrentManagedThreadId;

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (Environment.CurrentManagedThreadId != _thread) throw new InvalidOperationException("something in the simulation runs on a thread of its own");
        _waiting.Enqueue((d, state));
    }

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Goes on with all that can go on.</summary>
    public void Drain()
    {
        while (_waiting.TryDequeue(out var next)) next.Callback(next.State);
    }

    /// <summary>Runs something that waits for nobody but itself.</summary>
    public T Run<T>(Func<Task<T>> work)
    {
        var task = work();
        if (!task.IsCompleted) Drain(); // whoever reads in the middle of a step lets nobody else go on
        return task.IsCompleted ? task.GetAwaiter().GetResult() : throw new InvalidOperationException("this waits for a step that nobody makes");
    }
}
