using System.Security.Cryptography;
using System.Text;

namespace Stowline.Kernel;

/// <summary>
/// Seals what the node must be able to read again and nobody else may: credentials of other systems (AES-256-GCM). The key is a setting or a file beside the database, never
/// in it, so a copy of the database or a backup tells nothing.
/// </summary>
public sealed class SecretBox
{
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int KeySize = 32;
    private readonly string? _file;
    private readonly Lock _gate = new();
    private byte[]? _key;

    private SecretBox(byte[]? key, string? file) => (_key, _file) = (key, file);

    /// <summary>Whether the key was given, and may be given to other processes too. One in a file is this process's own.</summary>
    public bool IsGiven => _file is null;

    /// <summary>With a key of 32 bytes that was given.</summary>
    public static SecretBox Of(byte[] key) => key.Length == KeySize ? new SecretBox(key, null) : throw new ArgumentException($"must be {KeySize} bytes", nameof(key));

    /// <summary>With the key in a file, which is made when something is first sealed and only its owner may read.</summary>
    public static SecretBox InFile(string path) => new(null, path);

    /// <summary>The key's bytes from their Base64; null when it is none of 32 bytes.</summary>
    public static byte[]? KeyOf(string text)
    {
        var key = new byte[text.Length];
        return Convert.TryFromBase64String(text.Trim(), key, out var length) && length == KeySize ? key[..length] : null;
    }

    /// <param name="purpose">What it is for: sealed for one purpose it cannot be opened for another.</param>
    public byte[] Seal(string purpose, ReadOnlySpan<byte> plain, IdSource ids)
    {
        var result = new byte[NonceSize + plain.Length + TagSize];
        ids.Fill(result.AsSpan(0, NonceSize));
        using var aes = new AesGcm(Key(make: true)!, TagSize);
        aes.Encrypt(result.AsSpan(0, NonceSize), plain, result.AsSpan(NonceSize, plain.Length), result.AsSpan(NonceSize + plain.Length), Encoding.UTF8.GetBytes(purpose));
        return result;
    }

    /// <summary>Null when it was sealed with another key or for another purpose.</summary>
    public byte[]? Open(string purpose, ReadOnlySpan<byte> box)
    {
        if (box.Length < NonceSize + TagSize || Key(make: false) is not { } key) return null;
        var plain = new byte[box.Length - NonceSize - TagSize];
        using var aes = new AesGcm(key, TagSize);
        try
        {
            aes.Decrypt(box[..NonceSize], box[NonceSize..^TagSize], box[^TagSize..], plain, Encoding.UTF8.GetBytes(purpose));
            return plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private byte[]? Key(bool make)
    {
        lock (_gate)
        {
            if (_key is not null || _file is null) return _key;
            if (!File.Exists(_file))
            {
                if (!make) return null;
                Make(_file);
            }
            return _key = KeyOf(File.ReadAllText(_file)) ?? throw new InvalidOperationException($"{_file} does not hold a key");
        }
    }

    private static void Make(string file)
    {
        // Written beside and moved into place: nobody ever reads half a key, and of two processes one wins.
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        var half = file + "." + Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var stream = new FileStream(half, options))
        {
            stream.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeySize)) + "\n"));
            stream.Flush(flushToDisk: true);
        }
        try
        {
            File.Move(half, file, overwrite: false);
        }
        catch (IOException) when (File.Exists(file))
        {
            File.Delete(half);
        }
    }
}
