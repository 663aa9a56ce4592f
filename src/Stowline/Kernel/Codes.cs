using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

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

/// <summary>A stock keeping unit. Belongs to one seller; see <see cref="CodeRule"/> for its form.</summary>
[JsonConverter(typeof(SkuConverter))]
public readonly record struct Sku(string Value) : IComparable<Sku>
{
    public int CompareTo(Sku other) => string.CompareOrdinal(Value, other.Value);
    public override string ToString() => Value;

    internal sealed class SkuConverter : JsonConverter<Sku>
    {
        public override Sku Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            CodeRule.TryNormalize(reader.GetString(), out var code) ? new Sku(code) : throw new JsonException("sku " + CodeRule.Description);

        public override void Write(Utf8JsonWriter writer, Sku value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
    }
}
