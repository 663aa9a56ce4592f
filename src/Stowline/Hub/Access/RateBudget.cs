namespace Stowline.Hub.Access;

/// <summary>
/// What one caller has left of one limit in the present window, as this process knows it. Where several processes share the window, each takes it from the database in portions: a tenth of what is
/// left, so that few requests wait for the database while there is much, and little lies unused in another process when there is not. All processes together never let more through than the quota.
/// Only while the database does not answer may each go on by itself, on credit that it tells the database of later: then it is the quota for each of them at most.
/// </summary>
/// <param name="isShared">Whether the window is kept in the database.</param>
internal sealed class RateBudget(RateLimit limit, bool isShared)
{
    /// <summary>What asking for one request's place has come to.</summary>
    public enum Verdict { Granted, UsedUp, AskFirst }

    /// <summary>A portion to be asked of the database, with what was let through on credit before.</summary>
    public readonly record struct Portion(long Ends, long Units, long Owed);

    private readonly Lock _gate = new();
    private long _ends;
    private long _inHand;
    private long _taken;
    private long _owed;
    private Task? _asking;

    public RateLimit Limit => limit;

    /// <summary>Takes the place of one request.</summary>
    /// <param name="now">Seconds since 1970, as everywhere here.</param>
    public Verdict Take(long now)
    {
        lock (_gate)
        {
            Turn(now);
            if (_inHand > 0)
            {
                _inHand--;
                return Verdict.Granted;
            }
            return Left > 0 ? Verdict.AskFirst : Verdict.UsedUp;
        }
    }

    /// <summary>The request was refused for another reason.</summary>
    public void GiveBack()
    {
        lock (_gate) _inHand++;
    }

    /// <summary>How many requests are left, as far as is known here, and in how many seconds there are all again.</summary>
    public (long Remaining, long Seconds) Read(long now)
    {
        lock (_gate)
        {
            Turn(now);
            return (_inHand + Left, Math.Max(1, _ends - now));
        }
    }

    public bool IsOver(long now)
    {
        lock (_gate) return now >= _ends;
    }

    /// <summary>Asks the database, once for all that wait. By itself: whoever waits may give up and the answer still counts.</summary>
    public Task AskAsync(Func<Task> ask)
    {
        lock (_gate) return _asking is { IsCompleted: false } ? _asking : _asking = Task.Run(ask);
    }

    public Portion Next(long now)
    {
        lock (_gate)
        {
            Turn(now);
            return new Portion(_ends, Units, _owed);
        }
    }

    /// <summary>The database has added the portion, and says until when its window goes and how much all processes have taken of it.</summary>
    public void Settle(Portion asked, long ends, long taken)
    {
        lock (_gate)
        {
            if (ends < _ends) return; // the window is over, and its portion with it
            // Another process's clock is a little ahead and is in the next window already: then so is this one.
            if (ends > _ends) (_ends, _inHand, _owed) = (ends, 0, 0);
            else _owed -= asked.Owed;
            _taken = taken;
            // What was lent while this was under way is paid back first.
            var granted = Math.Clamp(limit.Quota - (taken - asked.Units), 0, asked.Units);
            var back = Math.Min(granted, _owed);
            _owed -= back;
            _inHand += granted - back;
        }
    }

    /// <summary>The database does not answer: a portion on credit.</summary>
    public void Lend(long now)
    {
        lock (_gate)
        {
            Turn(now);
            if (_inHand > 0 || Left == 0) return;
            var units = Units;
            _inHand += units;
            _owed += units;
        }
    }

    private long Left => Math.Max(0, limit.Quota - _taken - _owed);

    private long Units => (Left + 9) / 10;

    /// <summary>Begins a new window where the old one is over. One that ends long after the next is of a clock that was wrong since.</summary>
    private void Turn(long now)
    {
        if (now < _ends && _ends <= now + 2L * limit.Seconds) return;
        _ends = (now / limit.Seconds + 1) * limit.Seconds;
        (_inHand, _taken) = isShared ? (0, 0) : (limit.Quota, limit.Quota);
        _owed = 0;
    }
}
