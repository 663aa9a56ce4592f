using System.Globalization;

namespace Stowline.Site.Stock;

/// <summary>Units in a row of stock that are of one receipt.</summary>
internal readonly record struct ReceiptLayer(DateTimeOffset ReceivedAt, long Units)
{
    /// <summary>Most receipts that a row tells apart.</summary>
    public const int Most = 64;

    private static readonly long LastMicrosecond = (DateTimeOffset.MaxValue - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>The column <c>stock.newer</c>: <c>units@microseconds</c>, separated by spaces, oldest first. Short, because picks rewrite it; null for none.</summary>
    public static string? Write(IReadOnlyCollection<ReceiptLayer>? layers) => layers is null or { Count: 0 } ? null
        : string.Join(' ', layers.Select(l => string.Create(CultureInfo.InvariantCulture, $"{l.Units}@{(l.ReceivedAt - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond}")));

    /// <exception cref="FormatException">The text is not what <see cref="Write"/> makes.</exception>
    public static List<ReceiptLayer>? Read(string? text)
    {
        if (text is null) return null;
        var layers = new List<ReceiptLayer>();
        foreach (var part in text.AsSpan().Split(' '))
        {
            var layer = text.AsSpan(part);
            var at = layer.IndexOf('@');
            if (at < 0 || !long.TryParse(layer[..at], CultureInfo.InvariantCulture, out var units) || !long.TryParse(layer[(at + 1)..], CultureInfo.InvariantCulture, out var time)
                || time < 0 || time > LastMicrosecond) throw new FormatException($"'{text}' are no receipts of a row");
            layers.Add(new ReceiptLayer(DateTimeOffset.UnixEpoch.AddTicks(time * TimeSpan.TicksPerMicrosecond), units));
        }
        return layers;
    }
}
