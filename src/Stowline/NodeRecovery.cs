using Stowline.Log;

namespace Stowline;

/// <summary>Asks the modules of a node, in the order of the arrows, to bring back what a restore has lost, and to let go of what another node has.</summary>
internal sealed class NodeRecovery(IReadOnlyList<Module> modules) : IRecovery
{
    public bool Recovers(string type) => type == NodeRestored.Type || type == LaneHandedOver.Type || type == LaneTakenOver.Type || modules.Any(m => m.Recovers(type));

    public async ValueTask RecoverAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var module in modules) await module.RecoverAsync(site, events, tx);
    }

    public async ValueTask FinishAsync(string site, LaneTransaction tx)
    {
        foreach (var module in modules) await module.FinishRecoveryAsync(site, tx);
    }

    public async ValueTask GoOnAsync(string site, LaneTransaction tx)
    {
        foreach (var module in modules) await module.GoOnAsync(site, tx);
    }

    public async ValueTask LeaveOutAsync(LaneTransaction tx)
    {
        foreach (var module in modules) await module.LeaveOutAsync(tx);
    }

    public async ValueTask<string?> FindClashAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var module in modules)
            if (await module.FindClashAsync(site, events, tx) is { } clash) return clash;
        return null;
    }

    public async ValueTask JoinAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var module in modules) await module.JoinAsync(site, events, tx);
    }

    public async ValueTask JoinedAsync(string site, LaneTransaction tx)
    {
        foreach (var module in modules) await module.JoinedAsync(site, tx);
    }

    public IEnumerable<string> Settles(EventRecord e) => modules.SelectMany(m => m.Settles(e));

    public async ValueTask LetGoAsync(string site, LaneTransaction tx)
    {
        foreach (var module in modules) await module.LetGoAsync(site, tx);
        foreach (var table in modules.SelectMany(m => m.SiteTables).Where(t => !t.Stays)) await table.DeleteAsync(tx, site);
    }
}
