namespace Stowline.Log;

/// <summary>
/// How long a pump rests between two looks, on the clock that is never set: somebody who sets the time back by hours must not keep anybody from looking for as long. Rests from the beginning not at all.
/// </summary>
public sealed class Rest(TimeProvider time)
{
    private (long From, TimeSpan For)? _rest;

    public bool IsOver => _rest is not { } rest || time.GetElapsedTime(rest.From) >= rest.For;

    /// <summary>Begins a rest now.</summary>
    public void For(TimeSpan span) => _rest = (time.GetTimestamp(), span);
}
