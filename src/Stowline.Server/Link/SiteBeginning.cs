using Stowline.Hub.Catalog;
using Stowline.Server.Commands;
using Stowline.Store;

namespace Stowline.Server.Link;

/// <summary>
/// The first start of a site's node whose key says that its hub keeps something for it, such as zones and bins: that is fetched before anything else, for a node that began without it would write another history of the
/// site's lane. Later starts, and nodes of other sites, need no hub.
/// </summary>
internal static class SiteBeginning
{
    /// <exception cref="CommandRefusedException">The hub cannot be reached, or has nothing for the site any more.</exception>
    public static async Task FetchAsync(Configuration configuration, Database database, CancellationToken ct)
    {
        if (configuration.Site.Length == 0 || SiteKey.Read(configuration.Key) is not { Begins: true } key || await Migrator.IsMadeAsync(database, ct)) return;
        var site = configuration.Site;
        if (configuration.Hub.Length == 0) throw new CommandRefusedException($"the first start of {site} needs --hub: its hub has zones, bins or settings of it");
        var folder = Directory.CreateTempSubdirectory("stowline-begins-").FullName;
        try
        {
            var path = Path.Combine(folder, "site.stow");
            await DownloadAsync(new Uri(configuration.Hub), key.Key, site, path, ct);
            await Node.RestoreAsync(database, path, ct: ct);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task DownloadAsync(Uri hub, string key, string site, string path, CancellationToken ct)
    {
        using var calls = new HubCalls(hub, key);
        var why = "nobody answers there";
        try
        {
            if (await calls.BeginAsync(path, ct)) return;
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            why = e.Message;
        }
        throw new CommandRefusedException($"the first start of {site} fetches at its hub what that has of it, and the hub at {hub} cannot be reached: {why}");
    }
}
