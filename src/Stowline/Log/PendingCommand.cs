using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>A command in the queue of a writer.</summary>
/// <param name="scope">The scope to run in, where it is not the lane's own: a replica is one by itself.</param>
internal abstract class PendingCommand(Lane lane, Caller caller, string? scope = null)
{
    public Lane Lane => lane;
    public Caller Caller => caller;
    public string Scope { get; } = scope ?? lane.Scope;

    /// <summary>It brings a copy up to date that another node's events fill. All others write as the node whose lane it is, and are refused where it is not, even if that changed while they waited.</summary>
    public bool OnCopy { get; init; }

    /// <summary>The same handler object means: decide these together (see <see cref="IGroupHandler{TCommand,TResult}"/>).</summary>
    public virtual object? GroupHandler => null;

    /// <summary>The transaction that it was decided in.</summary>
    public LaneTransaction? DecidedIn { get; set; }

    /// <summary>The lanes and positions that this command appended up to; known after the commit.</summary>
    public IReadOnlyList<(Lane Lane, long Position)> Appended => DecidedIn?.Appended ?? [];

    /// <summary>Completes when the other processes have confirmed what it announced; null when it announced nothing.</summary>
    public Task? Announced { get; set; }

    public abstract ValueTask DecideAsync(LaneTransaction tx);
    public virtual ValueTask DecideTogetherAsync(IReadOnlyList<PendingCommand> commands, LaneTransaction tx) => throw new NotSupportedException();

    /// <summary>Its handler can tell before it decides what it will ask first.</summary>
    public virtual bool ReadsAhead => false;

    /// <summary>What the handler of these commands would ask first; null where it cannot tell before it decides.</summary>
    public virtual IGroupReads? AskAhead(IReadOnlyList<PendingCommand> commands) => null;

    /// <summary>Answers from the stored idempotency key instead of deciding.</summary>
    public virtual void Replay(StoredAnswer answer, bool sameBody) => throw new NotSupportedException();

    /// <summary>The answer to keep with the idempotency key, or null when it is not to be kept (400, 429, 5xx).</summary>
    public virtual StoredAnswer? Render() => null;

    public abstract void Complete();
    public abstract void Refuse(Refusal refusal);
    public abstract void Fail(Exception exception);
}

/// <summary>Decides a whole group of commands at once with set-based SQL; the result must equal deciding them one by one in order.</summary>
public interface IGroupHandler<TCommand, TResult>
{
    /// <summary>Answers one outcome per item, in order. A refused item must have written nothing but at most one event of its attempt.</summary>
    ValueTask<Outcome<TResult>[]> DecideAsync(IReadOnlyList<(TCommand Command, Caller Caller)> items, LaneTransaction tx);
}

/// <summary>
/// A group handler whose first reads need nothing but the commands. They may be asked on another connection while the group before, of the same handler, is on its way to its commit (decision 0035).
/// What they look at is written in the handler's scope only.
/// </summary>
public interface IReadsAhead<TCommand>
{
    IGroupReads Ask(IReadOnlyList<(TCommand Command, Caller Caller)> items);
}

/// <summary>The first reads of a group handler, and what they have found.</summary>
public interface IGroupReads
{
    IReadOnlyList<SetSelect> Questions { get; }

    /// <summary>The group before will have been committed, although it was not when these were answered: what it has made counts as found.</summary>
    void Join(IGroupReads before);
}

internal class PendingCommand<T>(Lane lane, Caller caller, Func<LaneTransaction, ValueTask<Outcome<T>>> decide, Func<Outcome<T>, StoredAnswer?>? render,
    string? scope = null) : PendingCommand(lane, caller, scope)
{
    private readonly TaskCompletionSource<(Outcome<T>, StoredAnswer?, bool)> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private StoredAnswer? _answer;
    private bool _replayed;

    protected Outcome<T> Decided { get; set; }
    public Task<(Outcome<T> Outcome, StoredAnswer? Answer, bool Replayed)> Done => _done.Task;

    public override async ValueTask DecideAsync(LaneTransaction tx)
    {
        _replayed = false;
        Decided = await decide(tx);
        if (!Decided.IsOk && tx.Wrote)
            throw new InvalidOperationException($"a command wrote state and then refused ({Decided.Refusal!.Code}); decide first, then write");
    }

    public override void Replay(StoredAnswer answer, bool sameBody)
    {
        if (!sameBody)
        {
            Decided = new Refusal(RefusalKind.Unprocessable, "idempotency_key_reused", "this Idempotency-Key was used with another body");
            _answer = null;
            return;
        }
        _answer = answer;
        _replayed = true;
        Decided = new Refusal(RefusalKind.Conflict, "replayed", "answered before");
    }

    public override StoredAnswer? Render() => _answer = render?.Invoke(Decided);

    public override void Complete() => _done.TrySetResult((Decided, _answer, _replayed));
    public override void Refuse(Refusal refusal) => _done.TrySetResult((refusal, null, false));
    public override void Fail(Exception exception) => _done.TrySetException(exception);
}

internal sealed class PendingGroupCommand<TCommand, TResult>(
    Lane lane, Caller caller, TCommand command, IGroupHandler<TCommand, TResult> handler, Func<Outcome<TResult>, StoredAnswer?>? render)
    : PendingCommand<TResult>(lane, caller, _ => throw new NotSupportedException(), render)
{
    public override object GroupHandler => handler;

    public override ValueTask DecideAsync(LaneTransaction tx) => DecideTogetherAsync([this], tx);

    public override async ValueTask DecideTogetherAsync(IReadOnlyList<PendingCommand> commands, LaneTransaction tx)
    {
        var mine = ItemsOf(commands);
        var outcomes = await handler.DecideAsync(mine, tx);
        for (var i = 0; i < mine.Length; i++) ((PendingGroupCommand<TCommand, TResult>)commands[i]).Decided = outcomes[i];
    }

    public override bool ReadsAhead => handler is IReadsAhead<TCommand>;
    public override IGroupReads? AskAhead(IReadOnlyList<PendingCommand> commands) => (handler as IReadsAhead<TCommand>)?.Ask(ItemsOf(commands));

    private static (TCommand, Caller)[] ItemsOf(IReadOnlyList<PendingCommand> commands)
    {
        var items = new (TCommand, Caller)[commands.Count];
        for (var i = 0; i < items.Length; i++)
        {
            var pending = (PendingGroupCommand<TCommand, TResult>)commands[i];
            items[i] = (pending.Payload, pending.Caller);
        }
        return items;
    }

    private TCommand Payload => command;
}
