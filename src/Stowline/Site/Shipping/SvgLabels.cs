using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace Stowline.Site.Shipping;

/// <summary>
/// A parcel's labels as a picture (SVG), one beneath the other: what the printer would print, with real bars. The browser has letters for every
/// script. Pure.
/// </summary>
internal static class SvgLabels
{
    private static readonly XNamespace Ns = "http://www.w3.org/2000/svg";
    private const int Gap = 20;

    public static string Render(Parcel parcel)
    {
        var height = parcel.Packages.Count * (LabelLayout.Height + Gap) - Gap;
        var svg = new XElement(Ns + "svg", new XAttribute("viewBox", $"0 0 {LabelLayout.Width} {height}"), new XAttribute("width", "4in"),
            new XAttribute("height", Inches(height)), new XAttribute("font-family", "Arial, Helvetica, sans-serif"));
        for (var i = 0; i < parcel.Packages.Count; i++)
        {
            var label = new XElement(Ns + "g", new XAttribute("transform", $"translate(0 {i * (LabelLayout.Height + Gap)})"),
                new XElement(Ns + "rect", new XAttribute("width", LabelLayout.Width), new XAttribute("height", LabelLayout.Height), new XAttribute("fill", "white"), new XAttribute("stroke", "#999")));
            foreach (var item in LabelLayout.Of(parcel, parcel.Packages[i])) Append(label, item);
            svg.Add(label);
        }
        return svg.ToString(SaveOptions.DisableFormatting);
    }

    private static string Inches(int dots) => (dots / 203.0).ToString("0.##", CultureInfo.InvariantCulture) + "in";

    private static void Append(XElement label, LabelItem item)
    {
        switch (item)
        {
            case LabelText t:
                label.Add(Text(LabelLayout.Margin, t.Y + t.Height * 4 / 5, t.Height, string.Concat(t.Text.EnumerateRunes().Select(Shown))));
                break;
            case LabelRule r:
                label.Add(new XElement(Ns + "rect", new XAttribute("x", LabelLayout.Margin), new XAttribute("y", r.Y), new XAttribute("width", LabelLayout.Width - 2 * LabelLayout.Margin),
                    new XAttribute("height", 3)));
                break;
            case LabelBarcode b:
                if (Code128.Encode(b.Data, b.Gs1) is { } widths) label.Add(new XElement(Ns + "path", new XAttribute("d", Bars(widths, b))));
                label.Add(Text(LabelLayout.Margin, b.Y + b.Height + 34, 34, b.Shown));
                break;
        }
    }

    /// <summary>XML has no place for control characters, not even escaped.</summary>
    private static string Shown(Rune rune) => Rune.IsControl(rune) || rune.Value is 0xFFFE or 0xFFFF ? " " : rune.ToString();

    private static XElement Text(int x, int y, int size, string text) => new(Ns + "text", new XAttribute("x", x), new XAttribute("y", y), new XAttribute("font-size", size),
        new XAttribute(XNamespace.Xml + "space", "preserve"), text);

    private static string Bars(IReadOnlyList<int> widths, LabelBarcode b)
    {
        var path = new StringBuilder();
        var x = LabelLayout.Margin;
        for (var i = 0; i < widths.Count; i++)
        {
            var width = widths[i] * b.Module;
            if (i % 2 == 0) path.Append(CultureInfo.InvariantCulture, $"M{x} {b.Y}h{width}v{b.Height}h-{width}z");
            x += width;
        }
        return path.ToString();
    }
}
