using System.Globalization;
using System.Text;

namespace Stowline.Site.Shipping;

/// <summary>A parcel's labels for the printer: ZPL II, one per package, one after another. Pure.</summary>
internal static class ZplLabels
{
    public static string Render(Parcel parcel)
    {
        var zpl = new StringBuilder();
        foreach (var package in parcel.Packages)
        {
            zpl.Append("^XA\n^CI28\n").Append(CultureInfo.InvariantCulture, $"^PW{LabelLayout.Width}\n^LL{LabelLayout.Height}\n^LH0,0\n");
            // With a font of its own the printer can also set text that runs from the right, and join letters.
            if (parcel.Font is not null) zpl.Append("^PA0,1,1,1\n");
            foreach (var item in LabelLayout.Of(parcel, package)) Append(zpl, item, parcel.Font);
            zpl.Append("^XZ\n");
        }
        return zpl.ToString();
    }

    private static void Append(StringBuilder zpl, LabelItem item, string? font)
    {
        const int room = LabelLayout.Width - 2 * LabelLayout.Margin;
        zpl.Append(CultureInfo.InvariantCulture, $"^FO{LabelLayout.Margin},{item.Y}");
        switch (item)
        {
            case LabelText t:
                zpl.Append(CultureInfo.InvariantCulture, $"{(font is null ? $"^A0N,{t.Height},{t.Height}" : $"^A@N,{t.Height},{t.Height},{font}")}^FB{room},1,0,L^FH^FD{Escape(t.Text)}^FS\n");
                break;
            case LabelRule:
                zpl.Append(CultureInfo.InvariantCulture, $"^GB{room},3,3^FS\n");
                break;
            case LabelBarcode { Gs1: true } b: // >; begins in subset C, >8 is FNC1; digits only
                zpl.Append(CultureInfo.InvariantCulture, $"^BY{b.Module}^BCN,{b.Height},N,N,N^FD>;>8{b.Data}^FS\n");
                Append(zpl, new LabelText(b.Y + b.Height + 8, 34, b.Shown), null);
                break;
            case LabelBarcode b:
                zpl.Append(CultureInfo.InvariantCulture, $"^BY{b.Module}^BCN,{b.Height},Y,N,N^FH^FD{Escape(b.Data, 64)}^FS\n");
                break;
        }
    }

    /// <summary>What a printer would take for a command – caret, tilde, backslash, the hex mark itself, control characters – goes as ^FH hex.</summary>
    internal static string Escape(string text, int most = int.MaxValue)
    {
        var safe = new StringBuilder(text.Length + 8);
        foreach (var rune in text.EnumerateRunes().Take(most))
        {
            if (rune.Value is '^' or '~' or '\\' or '_' || rune.Value < ' ') safe.Append('_').Append(rune.Value.ToString("X2", CultureInfo.InvariantCulture));
            else safe.Append(rune.ToString());
        }
        return safe.ToString();
    }
}
