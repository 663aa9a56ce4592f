using Stowline.Log;

namespace Stowline.Simulation;

/// <summary>
/// What a host's loop does with one pump, taken apart into steps that somebody else decides on: it runs again after work, else when it is woken or its time has
/// come; after an error it waits.
/// </summary>
internal sealed class Runner(Pump pump)
{
    private TimeSpan _due;
    private TimeSpan _notBefore;
    private bool _again = true;
    private int _failures;
    private Task<bool>? _step;

    public Pump Pump => pump;

    /// <summary>Whether it is in the middle of a step, waiting for somebody else's.</summary>
    public bool IsBusy => _step is not null;

    public bool IsReady(TimeSpan now)
    {
        if (_step is not null || pump.IsRetired || now < _notBefore) return false;
        if (!_again && pump.Wake.TryTake()) _again = true;
        return _again || now >= _due;
    }

    /// <summary>When it will look by itself.</summary>
    public TimeSpan Due => _due > _notBefore ? _due : _notBefore;

    public void Begin()
    {
        _again = false;
        _step = pump.RunOnceAsync(CancellationToken.None).AsTask();
    }

    /// <summary>Whether a step has ended that nobody has taken note of yet.</summary>
    public bool HasEnded => _step is { IsCompleted: true };

    /// <summary>Takes note of a step that has ended. Answers what went wrong in it.</summary>
    /// <param name="idle">How long it waits where there was nothing to do.</param>
    public Exception? End(TimeSpan now, TimeSpan idle)
    {
        var step = _step!;
        _step = null;
        var error = step.Exception?.InnerException;
        if (error is not null) _notBefore = now + TimeSpan.FromMilliseconds(Math.Min(5_000, 50 << Math.Min(_failures++, 10)));
        else _failures = 0;
        _again = error is not null || step.Result;
        _due = now + idle;
        return error;
    }
}
