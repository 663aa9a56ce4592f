namespace Stowline.Log;

/// <summary>
/// A named, append-only log with exactly one writing node. <c>hub</c>: the hub's own books; <c>hub/all</c>: what every site must know;
/// <c>hub/WH1</c>: what WH1 must do; <c>site/WH1</c>: everything that happens at WH1.
/// </summary>
public readonly record struct Lane(string Name)
{
    public static readonly Lane Hub = new("hub");
    public static readonly Lane HubAll = new("hub/all");
    public static Lane HubTo(string site) => new("hub/" + site);
    public static Lane Site(string site) => new("site/" + site);

    /// <summary>
    /// The lanes that one transaction may write together. All the hub's lanes are one scope, so a hub command may append to several of
    /// them at once; each site is a scope of its own. The lane named like the scope holds the scope's lock.
    /// </summary>
    public string Scope => Name.StartsWith("hub", StringComparison.Ordinal) && (Name.Length == 3 || Name[3] == '/') ? "hub" : Name;

    public override string ToString() => Name;
}
