using System.Text;

namespace Stowline.Site.Topology;

/// <summary>
/// The walk through a site as sortable text: by aisle, position, level (low levels first), then code, where numbers compare as numbers
/// (A-2 before A-10).
/// </summary>
internal static class BinOrder
{
    /// <summary>Sorts below every character of a code but the space, so that a shorter part comes before a longer one.</summary>
    private const char Separator = '!';

    public static string Of(string code, string? aisle, string? position, string? level)
    {
        if (aisle is null && position is null && level is null) return Natural(code);
        return string.Join(Separator, Natural(aisle ?? ""), Natural(position ?? ""), Natural(level ?? ""), Natural(code));
    }

    /// <summary>Pads each run of digits to six with zeros.</summary>
    public static string Natural(string text)
    {
        var key = new StringBuilder(text.Length + 16);
        for (var i = 0; i < text.Length;)
        {
            if (!char.IsAsciiDigit(text[i])) { key.Append(text[i++]); continue; }
            var start = i;
            while (i < text.Length && char.IsAsciiDigit(text[i])) i++;
            key.Append('0', Math.Max(0, 6 - (i - start))).Append(text, start, i - start);
        }
        return key.ToString();
    }

    /// <summary>Whether units in a bin may go to customers.</summary>
    public static bool IsPickable(bool available, bool locked, ZoneType zone) => available && !locked && zone switch
    {
        ZoneType.Receiving or ZoneType.Storage or ZoneType.Picking => true,
        ZoneType.Packing or ZoneType.Shipping or ZoneType.Returns or ZoneType.Staging => false,
    };
}
