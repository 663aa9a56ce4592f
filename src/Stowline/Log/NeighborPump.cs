using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// This process's place among those on its database: joins them, hears what they tell, and takes the duty when nobody has it. When the
/// connection is lost so is the duty, and the host tries to join again with backoff and jitter.
/// </summary>
internal sealed class NeighborPump(Lanes lanes, string host) : Pump, IAsyncDisposable
{
    /// <summary>How often to look around when nobody says anything.</summary>
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(1);

    private readonly DateTimeOffset _since = lanes.Time.GetUtcNow();
    private NeighborSession? _session;
    private long _looked;
    private bool _lookNow;

    public override string Name => "neighbors";

    /// <summary>What tells the others, a pump of its own because this one waits for them.</summary>
    public Pump Teller { get; private set; } = null!;

    public static NeighborPump Make(Lanes lanes, string host)
    {
        var pump = new NeighborPump(lanes, host);
        pump.Teller = new NeighborTeller(lanes, () => Volatile.Read(ref pump._session));
        return pump;
    }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        try
        {
            var session = _session ?? await JoinAsync(ct);
            if (_lookNow || lanes.Time.GetElapsedTime(_looked) >= Round) await LookAsync(session, ct);
            foreach (var text in await session.HearAsync(Round, ct))
                if (NeighborMessage.Parse(text) is { } message && message.From != lanes.Neighbors.Self) await HearAsync(message, ct);
            return true;
        }
        catch (Exception) when (!ct.IsCancellationRequested) // while stopping, the connection is still needed for a last word
        {
            await DropAsync();
            throw;
        }
    }

    private async Task<NeighborSession> JoinAsync(CancellationToken ct)
    {
        var session = await lanes.Database.JoinAsync(lanes.Neighbors.Self, host, _since, ct) ?? throw new InvalidOperationException("this database has room for one process only");
        Volatile.Write(ref _session, session);
        // What was announced while nobody listened here is not known: whatever is kept in memory may be old.
        await lanes.ForgetAsync(lanes.Topics, ct);
        lanes.Neighbors.SayHello();
        _lookNow = true;
        return session;
    }

    private async Task LookAsync(NeighborSession session, CancellationToken ct)
    {
        (_lookNow, _looked) = (false, lanes.Time.GetTimestamp());
        if (!lanes.Duty.IsOurs && await session.TryTakeDutyAsync(ct))
        {
            lanes.Duty.Take();
            foreach (var consumer in lanes.Progress) consumer.Wake();
        }
        lanes.Neighbors.Present(await session.ProcessesAsync(ct));
    }

    private async Task HearAsync(NeighborMessage message, CancellationToken ct)
    {
        if (message.Hello)
        {
            lanes.Neighbors.Greet(message.From);
            lanes.TellEverything();
        }
        foreach (var (lane, head) in message.Heads ?? []) lanes.HeadIs(new Lane(lane), head);
        foreach (var move in message.Moves ?? []) lanes.MovedElsewhere(move.Consumer, new Lane(move.Lane), move.To);
        if (message.Topics is { } topics)
        {
            await lanes.ForgetAsync(topics, ct);
            lanes.Neighbors.Saw(message.From, message.Number);
        }
        if (message.Seen?.TryGetValue(lanes.Neighbors.Self, out var number) == true) lanes.Neighbors.Confirmed(message.From, number);
        if (message.Left)
        {
            lanes.Neighbors.Gone(message.From);
            _lookNow = true; // the duty may be free
        }
    }

    private async ValueTask DropAsync()
    {
        lanes.Duty.Lose();
        if (_session is not { } lost) return;
        Volatile.Write(ref _session, null);
        try
        {
            await lost.DisposeAsync();
        }
        catch (Exception)
        {
            // it is gone already
        }
    }

    /// <summary>Gives the duty back and says so. Call when nothing of this process needs the others any more.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_session is { } session)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2), lanes.Time);
            try
            {
                await session.LeaveAsync(new NeighborMessage(lanes.Neighbors.Self) { Left = true }.ToTexts(int.MaxValue)[0], limit.Token);
            }
            catch (Exception)
            {
                // The others notice that the connection ends.
            }
        }
        await DropAsync();
    }
}

/// <summary>Sends what there is to tell, after it was committed and on another connection, so that no writer ever waits for it.</summary>
internal sealed class NeighborTeller(Lanes lanes, Func<NeighborSession?> session) : Pump
{
    public override string Name => "neighbors, telling";
    public override Signal Wake => lanes.Neighbors.ToTell;

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (session() is not { } joined) return false;
        var texts = lanes.Neighbors.Take();
        if (texts.Count == 0) return false;
        try
        {
            await joined.TellAsync(texts, ct);
        }
        catch (Exception)
        {
            // Nobody knows what has arrived: tell all of it again, and hear all again too.
            lanes.Neighbors.SayHello();
            lanes.TellEverything();
            throw;
        }
        return true;
    }
}
