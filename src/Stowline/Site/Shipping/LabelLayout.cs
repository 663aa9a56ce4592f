using System.Globalization;
using System.Text;
using Stowline.Site.Fulfillment;

namespace Stowline.Site.Shipping;

/// <summary>What stands on every label of a parcel.</summary>
/// <param name="Font">A font in the printer; null for its built-in one.</param>
/// <param name="Numbers">The carrier's number of each package, where it gave one to each.</param>
internal sealed record Parcel(
    IReadOnlyList<string> Sender, IReadOnlyList<string> Recipient, long OrderNumber, string? Carrier, string? TrackingNumber, IReadOnlyList<Package> Packages, string? Font = null,
    IReadOnlyList<string>? Numbers = null)
{
    /// <summary>What the carrier scans on this package.</summary>
    public string? NumberOf(Package package) => Numbers is { Count: > 0 } numbers && package.SequenceNumber <= numbers.Count ? numbers[package.SequenceNumber - 1] : TrackingNumber;
}

/// <summary>Something on a label. Positions and sizes in dots, from the upper left corner.</summary>
internal abstract record LabelItem(int Y);

/// <param name="Height">Of its letters, so that all of the text fits into the width of the label.</param>
internal sealed record LabelText(int Y, int Height, string Text) : LabelItem(Y);

internal sealed record LabelRule(int Y) : LabelItem(Y);

/// <param name="Module">The width of the narrowest bar.</param>
/// <param name="Gs1">With FNC1 in front, and <paramref name="Shown"/> beneath instead of the data.</param>
internal sealed record LabelBarcode(int Y, int Height, int Module, string Data, bool Gs1, string Shown) : LabelItem(Y);

/// <summary>Where everything stands on a 4×6 inch label at 203 dpi, once for all forms in which it is shown. Pure.</summary>
internal static class LabelLayout
{
    public const int Width = 812;
    public const int Height = 1218;
    public const int Margin = 30;

    /// <summary>The smallest letters that are still read from a parcel without trouble: 3 mm.</summary>
    private const int Smallest = 24;
    private const int Room = Width - 2 * Margin;

    /// <summary>Between the head and the foot of the label.</summary>
    private const int RecipientLines = 8;

    public static IReadOnlyList<LabelItem> Of(Parcel parcel, Package package)
    {
        var items = new List<LabelItem> { Text(40, 28, "FROM"), Text(75, parcel.Sender.Count > 1 ? 30 : 40, parcel.Sender[0]) };
        if (parcel.Sender.Count > 1) items.Add(Text(108, 26, string.Join(", ", parcel.Sender.Skip(1))));
        items.AddRange([new LabelRule(140), Text(165, 28, "TO")]);
        var y = 205;
        foreach (var line in parcel.Recipient.SelectMany(Wrap).Take(RecipientLines))
        {
            items.Add(Text(y, 44, line));
            y += 54;
        }
        items.Add(new LabelRule(660));
        if (package.Sscc is { } sscc) WithSscc(items, parcel, package, sscc);
        else Plain(items, parcel, package);
        return items;
    }

    private static void Plain(List<LabelItem> items, Parcel parcel, Package package)
    {
        items.AddRange([
            Text(685, 36, $"Order {parcel.OrderNumber}"), Text(735, 36, $"Package {package.SequenceNumber} of {parcel.Packages.Count}"),
            Text(785, 36, Weight(package)),
        ]);
        if (parcel.Carrier is { } carrier) items.Add(Text(835, 36, carrier));
        items.Add(new LabelRule(890));
        // Before it is shipped a parcel has no tracking number: then the package's own barcode identifies it.
        items.Add(Tracking(930, 180, parcel.NumberOf(package) ?? package.Barcode));
    }

    /// <summary>GS1: narrow bars of 0.5 mm (4 dots) and at least 32 mm high (256 dots), at the bottom with its number beneath.</summary>
    private static void WithSscc(List<LabelItem> items, Parcel parcel, Package package, string sscc)
    {
        items.Add(Text(676, 30, $"Order {parcel.OrderNumber}   Package {package.SequenceNumber} of {parcel.Packages.Count}   {Weight(package)}"));
        if (parcel.Carrier is { } carrier) items.Add(Text(712, 30, carrier));
        if (parcel.NumberOf(package) is { } tracking) items.Add(Tracking(750, 90, tracking));
        items.Add(new LabelRule(884));
        items.Add(new LabelBarcode(904, 256, 4, "00" + sscc, true, "(00) " + sscc));
    }

    private static LabelText Text(int y, int height, string text)
    {
        var shown = Wrap(text).First();
        return new LabelText(y, Math.Clamp((int)(Room / Math.Max(1, WidthOf(shown))), Smallest, height), shown);
    }

    /// <summary>Lines that fit into the width in the smallest letters, broken between words where there are any.</summary>
    private static IEnumerable<string> Wrap(string line)
    {
        var (start, space, width, at) = (0, -1, 0.0, 0);
        foreach (var rune in line.EnumerateRunes())
        {
            width += WidthOf(rune);
            if (width * Smallest > Room && at > start)
            {
                var end = space > start ? space : at;
                yield return line[start..end];
                start = space > start ? space + 1 : at;
                (space, width) = (-1, WidthOf(line[start..at]) + WidthOf(rune));
            }
            if (rune.Value == ' ') space = at;
            at += rune.Utf16SequenceLength;
        }
        yield return line[start..];
    }

    private static double WidthOf(string text) => text.EnumerateRunes().Sum(WidthOf);

    /// <summary>How wide a letter is at most, in heights of the letters: printers' fonts differ, and none may run over the edge.</summary>
    private static double WidthOf(Rune rune) => rune.Value switch
    {
        ' ' or '.' or ',' or ':' or ';' or '\'' or '|' or 'i' or 'j' or 'l' or 'I' => 0.3,
        'W' or 'M' or 'm' or 'w' or '@' or '%' => 0.9,
        >= 0x1100 => 1.0, // scripts whose letters fill a square
        _ => Rune.IsUpper(rune) ? 0.7 : 0.56,
    };

    private static string Weight(Package package) => (package.WeightG / 1000m).ToString("0.000", CultureInfo.InvariantCulture) + " kg";

    /// <summary>In bars as wide as fit: 11 modules per character, with start, check and stop.</summary>
    private static LabelBarcode Tracking(int y, int height, string text) =>
        new(y, height, Math.Clamp(Room / (11 * (text.Length + 3) + 2), 1, 3), text, false, text);
}
