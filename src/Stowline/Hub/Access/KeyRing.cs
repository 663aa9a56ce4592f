using System.Security.Cryptography;
using Stowline.Store;

namespace Stowline.Hub.Access;

/// <summary>
/// The keys that are good now, in memory. A change counts from its commit on, and before it is answered also in the other processes on the
/// same PostgreSQL, which confirm that they have forgotten the old keys. One that cannot be reached notices within <see cref="Lifetime"/>, and so do
/// all after a change by the command line, which tells nobody.
/// All keys are held, never the unknown ones: a stranger who guesses ids fills no memory and causes few reads.
/// </summary>
public sealed class KeyRing
{
    /// <summary>Announced when a key was made or revoked.</summary>
    internal const string Topic = "keys";

    /// <summary>How long what was read is believed without asking again.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(3);

    /// <summary>An unknown id may be a key that another process has just made, so it is looked up anew, but not more often than this.</summary>
    private static readonly TimeSpan LeastBetweenReads = TimeSpan.FromMilliseconds(250);

    // Compared for ids that do not exist, so that the time of the answer does not tell which ids do.
    private static readonly byte[] Nobody = new byte[SHA256.HashSizeInBytes];

    private readonly SemaphoreSlim _gate = new(1);
    private Known _known = new([], -1, 0);
    private long _version;

    private sealed record Known(Dictionary<string, (KeyHolder Holder, byte[] Hash)> Keys, long Version, long ReadAt);

    /// <summary>Forgets what was read. Called after the commit of a change.</summary>
    public void Changed() => Interlocked.Increment(ref _version);

    /// <summary>Whose key this is; null when it is nobody's (any more).</summary>
    public async ValueTask<KeyHolder?> FindAsync(Database database, string key, CancellationToken ct = default)
    {
        if (!KeyText.TryParse(key, out var id, out var hash)) return null;
        var known = await CurrentAsync(database, Lifetime, ct);
        if (!known.Keys.TryGetValue(id, out var found) && !database.SingleWriter)
            (await CurrentAsync(database, LeastBetweenReads, ct)).Keys.TryGetValue(id, out found);
        return CryptographicOperations.FixedTimeEquals(hash, found.Hash ?? Nobody) ? found.Holder : null;
    }

    private async ValueTask<Known> CurrentAsync(Database database, TimeSpan oldest, CancellationToken ct)
    {
        var known = Volatile.Read(ref _known);
        if (IsGood(known)) return known;
        await _gate.WaitAsync(ct); // one reads, the others take what it found
        try
        {
            if (IsGood(_known)) return _known;
            // The version is taken before the read: a change that commits meanwhile makes what was read old at once.
            var (version, at) = (Interlocked.Read(ref _version), database.Time.GetTimestamp());
            var rows = await database.ReadAsync(async s => await s.QueryAsync<KeyRow>($"SELECT {KeyRow.Columns} FROM access_keys WHERE revoked_at IS NULL"), ct);
            known = new Known(rows.ToDictionary(r => r.Id, r => (r.Holder, r.SecretHash), StringComparer.Ordinal), version, at);
            Volatile.Write(ref _known, known);
            return known;
        }
        finally
        {
            _gate.Release();
        }

        bool IsGood(Known k) => k.Version == Interlocked.Read(ref _version) && database.Time.GetElapsedTime(k.ReadAt) < oldest;
    }
}
