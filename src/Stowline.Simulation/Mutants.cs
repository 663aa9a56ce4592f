namespace Stowline.Simulation;

/// <summary>A known way to be wrong. Each must be found by the simulation: what finds none of them finds nothing else either.</summary>
public enum Mutant
{
    None,

    /// <summary>A consumer's effects are written and its cursor is not.</summary>
    SkipCursor,

    /// <summary>What came before is not recognized: neither orders by their external id nor requests by their idempotency key.</summary>
    ForgetDedup,

    /// <summary>The hub releases promises twice on one word of a site.</summary>
    ReleaseTwice,

    /// <summary>A node answers, and tells others, before it is durable: a crash takes the last commit back.</summary>
    GrantBeforeCommit,

    /// <summary>The hub promises without looking at what it has promised already.</summary>
    PromiseBlindly,

    /// <summary>The hub promises units that a site has told it are lost.</summary>
    PromiseLosses,

    /// <summary>A site does not withdraw what it has lost.</summary>
    KeepLossesQuiet,

    /// <summary>What a site takes in of a transfer counts twice at the hub.</summary>
    ReceiveTwice,

    /// <summary>Lots that have expired stay where they are, promised to customers.</summary>
    ForgetExpiry,
}

/// <summary>The mutants by name.</summary>
public static class Mutants
{
    private static readonly (Mutant Mutant, string Name)[] All =
    [
        (Mutant.SkipCursor, "skip-cursor"), (Mutant.ForgetDedup, "forget-dedup"), (Mutant.ReleaseTwice, "release-twice"),
        (Mutant.GrantBeforeCommit, "grant-before-commit"), (Mutant.PromiseBlindly, "promise-blindly"), (Mutant.KeepLossesQuiet, "keep-losses-quiet"),
        (Mutant.PromiseLosses, "promise-losses"), (Mutant.ReceiveTwice, "receive-twice"), (Mutant.ForgetExpiry, "forget-expiry"),
    ];

    public static IEnumerable<string> Names => All.Select(m => m.Name);

    /// <summary>Null when there is none of that name.</summary>
    public static Mutant? Find(string name) => All.Where(m => m.Name == name).Select(m => (Mutant?)m.Mutant).FirstOrDefault();

    public static string NameOf(Mutant mutant) => All.First(m => m.Mutant == mutant).Name;

    // What each is wrong about, in the words of the statement that it changes. Where the product's statement changes, its mutant is no longer caught, and a test says so.

    /// <summary>A statement as this mutant runs it.</summary>
    internal static string Runs(Mutant mutant, string sql) => mutant switch
    {
        Mutant.SkipCursor when sql.StartsWith("UPDATE cursors SET position", StringComparison.Ordinal) => sql.Replace("position = @to", "position = position", StringComparison.Ordinal),
        Mutant.ForgetExpiry => sql.Replace("expires_on < @today", "expires_on < @today AND 1 = 0", StringComparison.Ordinal),
        _ => sql,
    };

    /// <summary>A read as this mutant does it; null where it does not look at all.</summary>
    internal static string? Looks(Mutant mutant, string select) => mutant switch
    {
        Mutant.ForgetDedup when select.Contains("FROM order_keys WHERE channel", StringComparison.Ordinal) || select.Contains("FROM idempotency_keys", StringComparison.Ordinal) => null,
        Mutant.PromiseBlindly => select.Replace("- promised + released FROM allotments", "FROM allotments", StringComparison.Ordinal),
        Mutant.PromiseLosses => select.Replace("granted - withdrawn - returned - promised + released FROM allotments", "granted - returned - promised + released FROM allotments", StringComparison.Ordinal),
        _ => select,
    };

    /// <summary>The key by which the second row of a table is let go instead of refused; null where it is refused.</summary>
    internal static string? Tolerates(Mutant mutant, string table) => (mutant, table) switch
    {
        (Mutant.ForgetDedup, "order_keys") => "channel, external_id",
        (Mutant.ForgetDedup, "idempotency_keys") => "key_hash",
        _ => null,
    };

    /// <summary>How this mutant changes a row that is there already.</summary>
    internal static string Changes(Mutant mutant, string table, string update) => mutant == Mutant.ReceiveTwice && table == "transfer_lines"
        ? update.Replace("received = excluded.received", "received = transfer_lines.received + excluded.received", StringComparison.Ordinal) : update;

    /// <summary>How often this mutant writes an update.</summary>
    internal static int Times(Mutant mutant, string set) => mutant switch
    {
        Mutant.KeepLossesQuiet when set.Contains("withdrawn = k.withdrawn", StringComparison.Ordinal) => 0,
        Mutant.ReleaseTwice when set.Contains("allotments.released + k.units", StringComparison.Ordinal) => 2,
        _ => 1,
    };
}
