using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Stowline.Hub.Hooks;

/// <summary>Standard Webhooks signatures, scheme <c>v1</c>: HMAC-SHA256 over <c>id.timestamp.body</c>, in Base64. Pure.</summary>
public static class HookSignature
{
    private const string Prefix = "whsec_";

    /// <summary>A receiver that follows the specification refuses what is older or newer than this.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    public static string NewSecret(Kernel.IdSource ids)
    {
        Span<byte> key = stackalloc byte[32];
        ids.Fill(key);
        return Prefix + Convert.ToBase64String(key);
    }

    /// <summary>The key's bytes; null when it is no Base64 (24 to 64 bytes). The prefix may be missing.</summary>
    public static byte[]? KeyOf(string secret)
    {
        var text = secret.StartsWith(Prefix, StringComparison.Ordinal) ? secret[Prefix.Length..] : secret;
        var key = new byte[text.Length];
        return Convert.TryFromBase64String(text, key, out var length) && length is >= 24 and <= 64 ? key[..length] : null;
    }

    /// <summary>The header's value: one signature per secret, the newest first.</summary>
    public static string Sign(string id, long timestamp, ReadOnlySpan<byte> body, params string[] secrets)
    {
        var signatures = new List<string>(secrets.Length);
        foreach (var secret in secrets) signatures.Add("v1," + One(KeyOf(secret) ?? throw new ArgumentException("is no webhook secret", nameof(secrets)), id, timestamp, body));
        return string.Join(' ', signatures);
    }

    /// <summary>Whether one of the header's signatures is right and the message neither too old nor from the future: what a receiver does.</summary>
    public static bool Verify(string secret, string? id, string? timestamp, string? header, ReadOnlySpan<byte> body, DateTimeOffset now)
    {
        if (string.IsNullOrEmpty(id) || header is null || KeyOf(secret) is not { } key) return false;
        if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)) return false;
        if (Math.Abs(now.ToUnixTimeSeconds() - seconds) > Tolerance.TotalSeconds) return false;
        var right = Encoding.ASCII.GetBytes("v1," + One(key, id, seconds, body));
        foreach (var given in header.Split(' '))
            if (CryptographicOperations.FixedTimeEquals(right, Encoding.UTF8.GetBytes(given))) return true;
        return false;
    }

    private static string One(byte[] key, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hmac.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.")));
        hmac.AppendData(body);
        return Convert.ToBase64String(hmac.GetHashAndReset());
    }
}
