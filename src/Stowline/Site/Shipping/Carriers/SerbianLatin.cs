using System.Text;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>Serbian Cyrillic in Latin letters, as its two alphabets answer each other: for carriers that take Latin only. Pure.</summary>
internal static class SerbianLatin
{
    private const string Cyrillic = "абвгдђежзијклљмнњопрстћуфхцчџш";
    private static readonly string[] Latin =
        ["a", "b", "v", "g", "d", "đ", "e", "ž", "z", "i", "j", "k", "l", "lj", "m", "n", "nj", "o", "p", "r", "s", "t", "ć", "u", "f", "h", "c", "č", "dž", "š"];

    public static string Of(string text)
    {
        var made = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var lower = char.ToLowerInvariant(text[i]);
            if (Cyrillic.IndexOf(lower, StringComparison.Ordinal) is var at && at < 0) made.Append(text[i]);
            else if (lower == text[i]) made.Append(Latin[at]);
            // Within capitals both letters of Lj, Nj and Dž are large.
            else if (i + 1 < text.Length && char.IsUpper(text[i + 1]) || i > 0 && char.IsUpper(text[i - 1])) made.Append(Latin[at].ToUpperInvariant());
            else made.Append(char.ToUpperInvariant(Latin[at][0])).Append(Latin[at], 1, Latin[at].Length - 1);
        }
        return made.ToString();
    }
}
