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

    /// <summary>A site does not withdraw what it has lost.</summary>
    KeepLossesQuiet,
}

/// <summary>The mutants by name.</summary>
public static class Mutants
{
    private static readonly (Mutant Mutant, string Name)[] All =
    [
        (Mutant.SkipCursor, "skip-cursor"), (Mutant.ForgetDedup, "forget-dedup"), (Mutant.ReleaseTwice, "release-twice"),
        (Mutant.GrantBeforeCommit, "grant-before-commit"), (Mutant.PromiseBlindly, "promise-blindly"), (Mutant.KeepLossesQuiet, "keep-losses-quiet"),
    ];

    public static IEnumerable<string> Names => All.Select(m => m.Name);

    /// <summary>Null when there is none of that name.</summary>
    public static Mutant? Find(string name) => All.Where(m => m.Name == name).Select(m => (Mutant?)m.Mutant).FirstOrDefault();

    public static string NameOf(Mutant mutant) => All.First(m => m.Mutant == mutant).Name;

    /// <summary>The two reads by which a node recognizes what it has answered before.</summary>
    internal static bool IsDedup(string select) => select.Contains("FROM order_keys WHERE channel", StringComparison.Ordinal) || select.Contains("FROM idempotency_keys", StringComparison.Ordinal);
}
