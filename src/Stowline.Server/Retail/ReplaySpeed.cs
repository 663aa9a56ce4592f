using System.Globalization;

namespace Stowline.Server.Retail;

/// <summary>How fast the days of the file go by: as fast as the node works (<c>max</c>), or N times as fast as they did (<c>1x</c>, <c>60x</c>, <c>0.5x</c>).</summary>
/// <param name="Factor">Null for max.</param>
internal readonly record struct ReplaySpeed(double? Factor)
{
    public const string Choices = "max, 1x or Nx (N times real time, such as 3600x)";

    public static bool TryParse(string text, out ReplaySpeed speed)
    {
        speed = default;
        if (text.Equals("max", StringComparison.OrdinalIgnoreCase)) return true;
        if (!text.EndsWith('x') && !text.EndsWith('X')) return false;
        if (!double.TryParse(text[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var factor) || factor is <= 0 or > 1e9) return false;
        speed = new ReplaySpeed(factor);
        return true;
    }
}

/// <summary>Waits until a moment of the file has come, on the injected clock. What happened before a resumed replay began is not waited for.</summary>
internal sealed class ReplayClock(TimeProvider time, ReplaySpeed speed)
{
    private DateTime? _fileAt;
    private DateTimeOffset _realAt;

    /// <summary>This moment of the file is now.</summary>
    public void SetTo(DateTime fileAt) => (_fileAt, _realAt) = (fileAt, time.GetUtcNow());

    public async ValueTask WaitForAsync(DateTime fileAt, CancellationToken ct)
    {
        if (speed.Factor is not { } factor) return;
        if (_fileAt is not { } from)
        {
            SetTo(fileAt);
            return;
        }
        // From one anchor and not from step to step, so that the time the work takes does not add up to a delay.
        var wait = _realAt + (fileAt - from) / factor - time.GetUtcNow();
        if (wait > TimeSpan.Zero) await Task.Delay(wait, time, ct);
    }
}
