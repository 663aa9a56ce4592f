namespace Stowline.Server.Csv;

/// <summary>
/// Text that a spreadsheet would run as a formula (it begins with = + - @, a tab or a line break) gets an apostrophe in front on the way out and
/// loses it on the way in. Text that looks as if it had got one is treated likewise, so that every text comes back as it was.
/// </summary>
internal static class CsvText
{
    public static string Guard(string text) => IsFormula(text) ? "'" + text : text;

    public static string Bare(string text) => text.StartsWith('\'') && IsFormula(text) ? text[1..] : text;

    private static bool IsFormula(string text)
    {
        var first = text.AsSpan().TrimStart('\'');
        return first.Length > 0 && first[0] is ('=' or '+' or '-' or '@' or '\t' or '\r' or '\n');
    }
}
