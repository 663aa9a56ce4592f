namespace Stowline.Site.Shipping;

/// <summary>Code 128 and GS1-128 (ISO/IEC 15417) as bars and spaces, for what is drawn rather than sent to a printer. Pure.</summary>
public static class Code128
{
    private const int CodeC = 99;
    private const int CodeB = 100;
    private const int Fnc1 = 102;
    private const int StartB = 104;
    private const int StartC = 105;
    private const int Stop = 106;

    /// <summary>The widths of bar, space, bar, space … of each symbol, in modules.</summary>
    private static readonly string[] Patterns = (
        "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 123122 123221 223211 221132 " +
        "221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 " +
        "231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 " +
        "314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 " +
        "111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 " +
        "114131 311141 411131 211412 211214 211232 2331112").Split(' ');

    /// <summary>Widths in modules, bar first, alternating; null where a character is not printable ASCII.</summary>
    /// <param name="gs1">With FNC1 in front, which makes it GS1-128.</param>
    public static IReadOnlyList<int>? Encode(string text, bool gs1 = false)
    {
        if (text.Length == 0 || text.Any(c => c is < ' ' or > '~')) return null;
        var symbols = Symbols(text, gs1);
        var sum = symbols[0];
        for (var i = 1; i < symbols.Count; i++) sum += i * symbols[i];
        symbols.Add(sum % 103);
        symbols.Add(Stop);
        return [.. symbols.SelectMany(s => Patterns[s]).Select(c => c - '0')];
    }

    /// <summary>Start, data: pairs of digits where at least four stand together (or nothing else), single characters elsewhere. Without check and stop.</summary>
    internal static List<int> Symbols(string text, bool gs1)
    {
        var inC = DigitsAt(text, 0) is var first && (first >= 4 || first == text.Length && first % 2 == 0);
        var symbols = new List<int> { inC ? StartC : StartB };
        if (gs1) symbols.Add(Fnc1);
        for (var i = 0; i < text.Length;)
        {
            var digits = DigitsAt(text, i);
            if (inC && digits >= 2)
            {
                symbols.Add((text[i] - '0') * 10 + text[i + 1] - '0');
                i += 2;
            }
            else if (inC)
            {
                inC = false;
                symbols.Add(CodeB);
            }
            else if (digits >= 4 && digits % 2 == 0)
            {
                inC = true;
                symbols.Add(CodeC);
            }
            else
            {
                symbols.Add(text[i++] - ' ');
            }
        }
        return symbols;
    }

    private static int DigitsAt(string text, int start)
    {
        var end = start;
        while (end < text.Length && char.IsAsciiDigit(text[end])) end++;
        return end - start;
    }
}
