namespace Stowline.Site.Shipping.Carriers;

/// <summary>What a carrier's label is, by its first bytes: carriers name types wrongly, and what is given to a browser must be what it is said to be. Pure.</summary>
internal static class LabelTypes
{
    public const string Unknown = "application/octet-stream";

    public static string Of(byte[]? content, string? told) => content switch
    {
        [(byte)'%', (byte)'P', (byte)'D', (byte)'F', ..] => "application/pdf",
        [0x89, (byte)'P', (byte)'N', (byte)'G', ..] => "image/png",
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [(byte)'G', (byte)'I', (byte)'F', (byte)'8', ..] => "image/gif",
        [(byte)'^', (byte)'X', (byte)'A', ..] => "application/zpl",
        _ => told is "application/zpl" or "x-application/zpl" ? "application/zpl" : Unknown,
    };
}
