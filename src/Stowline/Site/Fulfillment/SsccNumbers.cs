using System.Globalization;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// Serial shipping container codes (GS1 General Specifications, AI 00): 18 digits, given to a package once and to no other. They come from the site's lane, so the
/// count goes with the transaction and jumps ahead after a restore like every other number.
/// </summary>
public static class SsccNumbers
{
    /// <summary>Digits before the check digit.</summary>
    private const int Body = 17;

    /// <summary>Asks for the stem of the site's numbers, together with other questions.</summary>
    internal static Question<string> AskStem(string site) => new("SELECT stem FROM label_settings WHERE site = @site", new { site });

    /// <summary>The site's next number; null where it has no company prefix, or all numbers of its stem are used up.</summary>
    internal static async ValueTask<string?> NextAsync(string site, Question<string> asked, LaneTransaction tx)
    {
        if (asked.Rows is not [{ Length: > 0 } stem]) return null;
        // Numbers are ordinal × 10^10 + sequence. The stem is the site's alone, so only the sequence is needed.
        var serial = (await tx.NextNumberAsync("sscc/" + stem, Lane.Site(site)) - 1) % 10_000_000_000L;
        var digits = Body - stem.Length;
        return digits <= 10 && serial >= (long)Math.Pow(10, digits) ? null : WithCheckDigit(stem + serial.ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0'));
    }

    /// <summary>Modulo 10 with weights 3 and 1, beginning with 3 at the right: the same for all GS1 keys. Pure.</summary>
    public static string WithCheckDigit(string digits)
    {
        var sum = 0;
        for (var i = 0; i < digits.Length; i++) sum += (digits[^(i + 1)] - '0') * (i % 2 == 0 ? 3 : 1);
        return digits + (char)('0' + (10 - sum % 10) % 10);
    }
}
