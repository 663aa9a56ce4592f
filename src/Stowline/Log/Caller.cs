using System.Security.Cryptography;
using System.Text;

namespace Stowline.Log;

/// <summary>Who asks, on which trace, and with which idempotency key. Stands in every event and movement.</summary>
/// <param name="Actor">The API key's name, the <c>Stowline-Actor</c> header, a worker, or a part of the system such as <c>system</c>.</param>
/// <param name="Trace">W3C traceparent, or null.</param>
public sealed record Caller(string Actor, string? Trace = null, IdempotencyKey? Idempotency = null)
{
    public static readonly Caller System = new("system");
}

/// <summary>A caller's <c>Idempotency-Key</c>, scoped to (caller, method, path), with the hash of the body that came with it.</summary>
public sealed record IdempotencyKey(byte[] Key, byte[] BodyHash)
{
    /// <summary>The key as text, to be compared.</summary>
    public string Text { get; } = Convert.ToHexString(Key);

    public static IdempotencyKey Of(string actor, string method, string path, string key, ReadOnlySpan<byte> body) =>
        new(SHA256.HashData(Encoding.UTF8.GetBytes($"{actor}\n{method}\n{path}\n{key}")), SHA256.HashData(body));
}

/// <summary>An answer as it was given: what a repeated idempotency key gets again.</summary>
public sealed record StoredAnswer(int Status, string? Location, byte[] Body);

/// <summary>What came of a command.</summary>
/// <param name="Answer">The rendered answer where the caller gave an idempotency key.</param>
/// <param name="Replayed">The answer was given before; nothing was done now.</param>
/// <param name="Pending">The consumers one hop on had not seen the events within two seconds.</param>
public readonly record struct CommandResult<T>(Kernel.Outcome<T> Outcome, StoredAnswer? Answer, bool Replayed, bool Pending);
