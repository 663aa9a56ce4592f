using System.Security.Cryptography;
using System.Text;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// Personal fields in events and tables are encrypted with a key per person (AES-256-GCM), kept outside the log. Erasing the person deletes
/// the key: every copy becomes unreadable, and the log stays whole and verifiable. As a rule a person has one key. Where two histories were joined, in each of which one was made, there are both, one behind the
/// other: what is sealed anew is sealed with the first.
/// </summary>
public static class Personal
{
    private const int KeySize = 32;
    private const int NonceSize = 12;
    private const int TagSize = 16;

    /// <summary>How many erased keys of a person are remembered: who is erased more often within the life of a frame does not exist.</summary>
    private const int MostErased = 16;

    /// <summary>Who a person is: by e-mail, else by phone, else whoever placed this one order.</summary>
    public static Guid PersonOf(string? email, string? phone, Guid orderId)
    {
        var contact = !string.IsNullOrWhiteSpace(email) ? "email:" + email.Trim().ToLowerInvariant()
            : !string.IsNullOrWhiteSpace(phone) ? "phone:" + string.Concat(phone.Where(char.IsAsciiDigit)) : null;
        if (contact is null || contact == "phone:") return orderId;
        Span<byte> bytes = SHA256.HashData(Encoding.UTF8.GetBytes(contact)).AsSpan(0, 16);
        bytes[6] = (byte)(bytes[6] & 0x0F | 0x80); // UUIDv8: made by us from a hash
        bytes[8] = (byte)(bytes[8] & 0x3F | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>The read of those keys that exist, to be asked together with others.</summary>
    public static SetSelect Select(IReadOnlyCollection<Guid> people, Dictionary<Guid, byte[]> keys)
    {
        Guid[] wanted = [.. people.Distinct()];
        return new SetSelect("SELECT person_id, key FROM people WHERE person_id = k.person_id AND key IS NOT NULL", wanted.Length,
            [Column.Of("person_id", wanted)], row => keys[row.GetGuid(0)] = row.GetBytes(1));
    }

    /// <summary>The keys of these people, made where they are missing.</summary>
    public static async ValueTask<Dictionary<Guid, byte[]>> KeysAsync(LaneTransaction tx, IReadOnlyCollection<Guid> people)
    {
        var keys = new Dictionary<Guid, byte[]>();
        await tx.SelectAllAsync(Select(people, keys));
        await MakeMissingAsync(tx, people, keys);
        return keys;
    }

    /// <summary>Makes the keys that are missing among <paramref name="keys"/>, in one set-based write.</summary>
    public static async ValueTask MakeMissingAsync(LaneTransaction tx, IReadOnlyCollection<Guid> people, Dictionary<Guid, byte[]> keys)
    {
        Guid[] fresh = [.. people.Distinct().Where(p => !keys.ContainsKey(p))];
        if (fresh.Length == 0) return;
        var random = new byte[fresh.Length * KeySize];
        tx.Group.Ids.Fill(random); // at once: asking the system's source costs more than what it gives
        for (var i = 0; i < fresh.Length; i++) keys[fresh[i]] = random[(i * KeySize)..((i + 1) * KeySize)];
        await tx.UpsertAsync("people", "person_id", "key = excluded.key, created_at = excluded.created_at", fresh.Length,
            Column.Of("person_id", fresh), Column.From("key", fresh, p => keys[p]), Column.Same("created_at", fresh.Length, tx.Now));
    }

    public static byte[] Encrypt(byte[] key, ReadOnlySpan<byte> plain, Kernel.IdSource ids)
    {
        var sealedBytes = new byte[NonceSize + plain.Length + TagSize];
        var nonce = sealedBytes.AsSpan(0, NonceSize);
        ids.Fill(nonce);
        using var aes = new AesGcm(key.AsSpan(0, Math.Min(key.Length, KeySize)), TagSize);
        aes.Encrypt(nonce, plain, sealedBytes.AsSpan(NonceSize, plain.Length), sealedBytes.AsSpan(NonceSize + plain.Length));
        return sealedBytes;
    }

    /// <summary>Null when the key is gone (the person was erased) or is a newer one than the data was sealed with.</summary>
    public static byte[]? Decrypt(byte[]? key, ReadOnlySpan<byte> sealedBytes)
    {
        if (key is null || sealedBytes.Length < NonceSize + TagSize) return null;
        var plain = new byte[sealedBytes.Length - NonceSize - TagSize];
        foreach (var one in Split(key))
        {
            using var aes = new AesGcm(one, TagSize);
            try
            {
                aes.Decrypt(sealedBytes[..NonceSize], sealedBytes[NonceSize..^TagSize], sealedBytes[^TagSize..], plain);
                return plain;
            }
            catch (AuthenticationTagMismatchException)
            {
                // sealed with another one
            }
        }
        return null;
    }

    /// <summary>The keys of a person that are stored one behind the other.</summary>
    public static IReadOnlyList<byte[]> Split(byte[] keys) => keys.Length % KeySize != 0 || keys.Length == KeySize ? [keys] : [.. keys.Chunk(KeySize)];

    private static byte[] HashesOf(byte[] keys) => [.. Split(keys).SelectMany(SHA256.HashData)];

    public static ValueTask<byte[]?> KeyAsync(SqlSession session, Guid person) =>
        session.FindAsync<byte[]>("SELECT key FROM people WHERE person_id = @person AND key IS NOT NULL", new { person });

    /// <summary>Deletes a person's key. That it was done is remembered also where there is none: a site may hold one, and bring it.</summary>
    /// <returns>SHA-256 of the deleted key, by which other nodes know which one to delete; of two keys both, one behind the other; null when there was none.</returns>
    public static async ValueTask<byte[]?> EraseAsync(LaneTransaction tx, Guid person)
    {
        var known = await FindAsync(tx, person);
        var hash = known?.Key is { } key ? HashesOf(key) : null;
        // Beside those of before: a site that was cut off for long may still have, and give, a key that was erased when the person came the first time.
        await WriteErasedAsync(tx, person, null, tx.Now, Remembered(known?.ErasedKey ?? [], hash ?? []));
        return hash;
    }

    private static ValueTask WriteErasedAsync(LaneTransaction tx, Guid person, byte[]? keep, DateTimeOffset at, byte[] erased) => tx.WriteAsync("""
        INSERT INTO people (person_id, key, created_at, erased_at, erased_key) VALUES (@person, @keep, @at, @at, @erased)
        ON CONFLICT (person_id) DO UPDATE SET key = excluded.key, erased_at = excluded.erased_at, erased_key = excluded.erased_key
        """, new { person, keep, at, erased = erased.Length == 0 ? null : erased });

    /// <summary>What another node must delete of a person who was erased here and of whom nothing is left, as <see cref="EraseAsync"/> gives it; null for all others.</summary>
    public static async ValueTask<byte[]?> ErasedAsync(LaneTransaction tx, Guid person) => await FindAsync(tx, person) is { Key: null } known ? known.ErasedKey : null;

    private sealed record Known { public byte[]? Key { get; init; } public DateTimeOffset? ErasedAt { get; init; } public byte[]? ErasedKey { get; init; } }

    private static ValueTask<Known?> FindAsync(LaneTransaction tx, Guid person) =>
        tx.FindAsync<Known>("SELECT key, erased_at, erased_key FROM people WHERE person_id = @person", new { person });

    /// <summary>
    /// Another node erased a person: deletes the very keys that it deleted, and remembers them beside those before, should a copy of any still be on its way. A newer
    /// key, of somebody who came again, stays.
    /// </summary>
    /// <param name="at">When that was.</param>
    public static async ValueTask FollowErasureAsync(LaneTransaction tx, Guid person, byte[] erased, DateTimeOffset at)
    {
        var known = await FindAsync(tx, person);
        byte[]? keep = known?.Key is null ? null : [.. Split(known.Key).Where(k => !IsAmong(erased, SHA256.HashData(k))).SelectMany(k => k)];
        await WriteErasedAsync(tx, person, keep is [] ? null : keep, known?.ErasedAt > at ? known.ErasedAt.Value : at, Remembered(known?.ErasedKey ?? [], erased));
    }

    /// <summary>The hashes of a person's erased keys, one behind the other, with more of them; of very many only the last.</summary>
    private static byte[] Remembered(byte[] before, byte[] erased)
    {
        foreach (var hash in erased.Chunk(SHA256.HashSizeInBytes))
            if (!IsAmong(before, hash)) before = [.. before.AsSpan(Math.Max(0, before.Length - (MostErased - 1) * SHA256.HashSizeInBytes)), .. hash];
        return before;
    }

    private static bool IsAmong(byte[] hashes, ReadOnlySpan<byte> hash)
    {
        for (var at = 0; at + SHA256.HashSizeInBytes <= hashes.Length; at += SHA256.HashSizeInBytes)
            if (hashes.AsSpan(at, SHA256.HashSizeInBytes).SequenceEqual(hash)) return true;
        return false;
    }

    /// <summary>The keys of these people as they are now, to be given to a node that needs them.</summary>
    public static async Task<IReadOnlyList<PersonKey>> GiveAsync(SqlSession session, IReadOnlyCollection<Guid> people)
    {
        var keys = new List<PersonKey>(people.Count);
        await session.SelectAsync("SELECT person_id, key, created_at FROM people WHERE person_id = k.person_id AND key IS NOT NULL", people.Count,
            [Column.Of("person_id", [.. people])], row => keys.Add(new PersonKey(row.GetGuid(0), row.GetBytes(1), row.GetTime(2))));
        return keys;
    }

    /// <summary>Takes keys over from the node that made them. A newer key of the same person replaces an older; one that is known to be erased is not taken.</summary>
    /// <param name="both">
    /// Of two keys of a person none is the newer one: what was sealed with either must be readable, and both go when the person is erased. A key that is older than the last erasure has come too late: it is erased, too.
    /// </param>
    internal static async ValueTask TakeAsync(LaneTransaction tx, IReadOnlyList<PersonKey> keys, bool both = false)
    {
        foreach (var given in keys)
        {
            var known = await FindAsync(tx, given.Person);
            if (both && given.CreatedAt < known?.ErasedAt)
            {
                await WriteErasedAsync(tx, given.Person, known.Key, known.ErasedAt.Value, Remembered(known.ErasedKey ?? [], HashesOf(given.Key)));
                continue;
            }
            var own = both && known?.Key is { } kept ? Split(kept) : [];
            var taken = Split(given.Key).Where(k => !IsAmong(known?.ErasedKey ?? [], SHA256.HashData(k)) && !own.Any(o => o.AsSpan().SequenceEqual(k))).ToList();
            if (taken.Count == 0) continue;
            byte[] key = [.. own.Concat(taken).SelectMany(k => k)];
            if (known?.Key is { } same && same.AsSpan().SequenceEqual(key)) continue;
            await tx.WriteAsync("""
                INSERT INTO people (person_id, key, created_at) VALUES (@person, @key, @at)
                ON CONFLICT (person_id) DO UPDATE SET key = excluded.key, created_at = excluded.created_at
                """, new { person = given.Person, key, at = given.CreatedAt });
        }
    }

    internal static Kernel.IdSource IdsOf(LaneTransaction tx) => tx.Group.Ids;
}
