using Stowline.Log;

namespace Stowline;

/// <summary>A table with rows of sites, as its module tells it for moving a site out (decision 0028): which rows are the site's, and what becomes of them on both sides.</summary>
/// <param name="Name">Never text from outside.</param>
public sealed record SiteTable(string Name)
{
    /// <summary>SQL: which rows are those of <c>@site</c>.</summary>
    public string Of { get; init; } = "site = @site";

    /// <summary>Columns that are something else at the site's own node, with the SQL of what they are there.</summary>
    public IReadOnlyDictionary<string, string> As { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The column that names the person whose key the rows cannot be read without.</summary>
    public string? Person { get; init; }

    /// <summary>Whether the rows go along with the site. What does not is the hub's view of a site, or must be given to the new node by its people.</summary>
    public bool Moves { get; init; } = true;

    /// <summary>Whether the hub keeps the rows: as its copy, which the site's events go on filling, or because others must know of them. All else is deleted once the site's node was heard.</summary>
    public bool Stays { get; init; }

    /// <summary>How the site's rows are deleted where more is needed than a DELETE.</summary>
    public Func<LaneTransaction, string, ValueTask>? Delete { get; init; }

    internal ValueTask DeleteAsync(LaneTransaction tx, string site) => Delete is { } own ? own(tx, site) : tx.WriteAsync($"DELETE FROM {Name} WHERE {Of}", new { site });
}
