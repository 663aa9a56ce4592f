namespace Stowline.Store;

/// <summary>A process that runs a node on a shared database.</summary>
/// <param name="Id">Of this run of the process: a restarted one has another.</param>
/// <param name="Since">When the process started, by its own clock.</param>
/// <param name="LastSeen">When the database last heard of it, by the database's clock.</param>
/// <param name="OnDuty">Whether it runs the consumers.</param>
public sealed record NodeProcess(string Id, string Host, DateTimeOffset Since, DateTimeOffset LastSeen, bool OnDuty);

/// <summary>
/// A process's place among those that share its database. What it is worth ends with the connection: nobody has to notice that a process
/// is gone, and no clock decides who is on duty.
/// </summary>
public abstract class NeighborSession : IAsyncDisposable
{
    /// <summary>Takes the duty unless another session has it. It stays with this session until that ends.</summary>
    public abstract Task<bool> TryTakeDutyAsync(CancellationToken ct);

    /// <summary>Everybody who has joined now, this process too.</summary>
    public abstract Task<IReadOnlyList<NodeProcess>> ProcessesAsync(CancellationToken ct);

    /// <summary>Waits until something was heard, at most so long, and answers all that was: also what this process itself told.</summary>
    public abstract Task<IReadOnlyList<string>> HearAsync(TimeSpan longest, CancellationToken ct);

    /// <summary>Tells all that have joined. May be called while another call waits in <see cref="HearAsync"/>.</summary>
    public abstract Task TellAsync(IReadOnlyList<string> texts, CancellationToken ct);

    /// <summary>Gives the duty back and says a last word, so that nobody needs to wait for the connection to be missed.</summary>
    public abstract Task LeaveAsync(string lastWord, CancellationToken ct);

    public abstract ValueTask DisposeAsync();
}
