using System.Collections.Frozen;

namespace Stowline.Server.Retail;

/// <summary>The file's country names as ISO 3166 alpha-2. What is no country (Unspecified, European Community, West Indies) has no code.</summary>
internal static class Countries
{
    private static readonly FrozenDictionary<string, string> Codes = new Dictionary<string, string>
    {
        ["Australia"] = "AU", ["Austria"] = "AT", ["Bahrain"] = "BH", ["Belgium"] = "BE", ["Bermuda"] = "BM", ["Brazil"] = "BR", ["Canada"] = "CA",
        ["Channel Islands"] = "JE", // Jersey and Guernsey have a code each; the file does not tell them apart
        ["Cyprus"] = "CY", ["Czech Republic"] = "CZ", ["Denmark"] = "DK", ["EIRE"] = "IE", ["Finland"] = "FI", ["France"] = "FR", ["Germany"] = "DE",
        ["Greece"] = "GR", ["Hong Kong"] = "HK", ["Iceland"] = "IS", ["Ireland"] = "IE", ["Israel"] = "IL", ["Italy"] = "IT", ["Japan"] = "JP",
        ["Korea"] = "KR", ["Lebanon"] = "LB", ["Lithuania"] = "LT", ["Malta"] = "MT", ["Netherlands"] = "NL", ["Nigeria"] = "NG", ["Norway"] = "NO",
        ["Poland"] = "PL", ["Portugal"] = "PT", ["RSA"] = "ZA", ["Saudi Arabia"] = "SA", ["Singapore"] = "SG", ["Spain"] = "ES", ["Sweden"] = "SE",
        ["Switzerland"] = "CH", ["Thailand"] = "TH", ["United Arab Emirates"] = "AE", ["United Kingdom"] = "GB", ["USA"] = "US",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    public static string? Alpha2(string name) => Codes.GetValueOrDefault(name);
}
