using System.Globalization;

namespace Stowline.Kernel;

/// <summary>Lengths of time as settings say them.</summary>
public static class Spans
{
    /// <summary>Reads <c>90s</c>, <c>45m</c>, <c>2h</c> or <c>7d</c>, up to a number of 100,000; null for everything else.</summary>
    public static TimeSpan? Parse(string text)
    {
        if (text.Length < 2 || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number > 100_000) return null;
        return text[^1] switch
        {
            's' => TimeSpan.FromSeconds(number),
            'm' => TimeSpan.FromMinutes(number),
            'h' => TimeSpan.FromHours(number),
            'd' => TimeSpan.FromDays(number),
            _ => null,
        };
    }
}
