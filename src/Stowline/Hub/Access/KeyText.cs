using System.Security.Cryptography;
using System.Text;

namespace Stowline.Hub.Access;

/// <summary>
/// The text of an API key: <c>stow_ID_SECRET</c>, in lower-case hexadecimal so that it survives every shell, header and double click. The
/// prefix lets scanners find leaked keys, the id finds the row, and the 256 bits of secret are why a plain SHA-256 is enough to keep.
/// </summary>
public static class KeyText
{
    private const string Prefix = "stow_";
    private const int IdLength = 16;
    private const int SecretLength = 64;

    /// <summary>A new key. The secret never comes from the node's seeded ids: it must not be repeatable.</summary>
    public static (string Key, string Id, byte[] Hash) Make()
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdLength / 2));
        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretLength / 2));
        return ($"{Prefix}{id}_{secret}", id, HashOf(secret));
    }

    /// <summary>Takes a key apart: its id and the hash of its secret. False when the text is no key.</summary>
    public static bool TryParse(string text, out string id, out byte[] hash)
    {
        (id, hash) = ("", []);
        if (text.Length != Prefix.Length + IdLength + 1 + SecretLength || !text.StartsWith(Prefix, StringComparison.Ordinal) || text[Prefix.Length + IdLength] != '_') return false;
        id = text.Substring(Prefix.Length, IdLength);
        hash = HashOf(text.AsSpan(Prefix.Length + IdLength + 1));
        return true;
    }

    private static byte[] HashOf(ReadOnlySpan<char> secret)
    {
        Span<byte> bytes = stackalloc byte[Encoding.UTF8.GetMaxByteCount(SecretLength)];
        return SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(secret, bytes)]);
    }
}
