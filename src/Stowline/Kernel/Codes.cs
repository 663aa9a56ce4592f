using System.Globalization;
using System.Text;

namespace Stowline.Kernel;

/// <summary>
/// The rule for everything that people type, print and scan (contract, Conventions): case-sensitive text of 1–64 printable
/// characters – letters and digits of any script, inner spaces and <c>-_./#+&amp;'()</c> – trimmed.
/// </summary>
public static class CodeRule
{
    public const int MaxLength = 64;
    public const string Description = "must be 1–64 characters: letters, digits, inner spaces and -_./#+&'()";

    /// <summary>Trims and checks. False when the text is no code; <paramref name="code"/> is then empty.</summary>
    public static bool TryNormalize(string? text, out string code)
    {
        code = "";
        if (text is null) return false;
        var trimmed = text.Trim();
        if (trimmed.Length is 0 or > MaxLength) return false;
        foreach (var rune in trimmed.EnumerateRunes())
        {
            if (rune.Value < 128)
            {
                var c = (char)rune.Value;
                if (char.IsAsciiLetterOrDigit(c) || c is ' ' or '-' or '_' or '.' or '/' or '#' or '+' or '&' or '\'' or '(' or ')') continue;
                return false;
            }
            if (Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark) continue;
            return false;
        }
        code = trimmed;
        return true;
    }
}
