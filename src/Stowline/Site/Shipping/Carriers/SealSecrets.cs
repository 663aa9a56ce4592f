using System.Text;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>
/// Seals what versions before kept in plain, once, when the node starts. Not with a key that only this process has where others may work on the same database: they could not
/// open it. There a <c>secrets_key</c> must be given first.
/// </summary>
internal sealed class SealSecrets(Node node) : Pump
{
    public override string Name => "carrier secrets";

    private sealed record Plain
    {
        public string Site { get; init; } = "";
        public string Carrier { get; init; } = "";
        public string Name { get; init; } = "";
        public string Value { get; init; } = "";
    }

    private const string Select = "SELECT site, carrier, name, value FROM carrier_secrets WHERE sealed IS NULL";

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (IsRetired || node.Secrets is not { } box) return false;
        var sites = (await node.Database.ReadAsync(async s => await s.QueryAsync<Plain>(Select), ct)).Select(p => p.Site).Distinct(StringComparer.Ordinal).Where(s => !node.IsRemote(s)).ToList();
        if (sites.Count > 0 && !box.IsGiven && !node.Database.SingleWriter)
            throw new InvalidOperationException("credentials of carriers are not sealed: several processes may share this database, so set the same secrets_key for all of them");
        foreach (var site in sites) await SealAsync(site, box);
        IsRetired = true;
        return sites.Count > 0;
    }

    private async Task SealAsync(string site, SecretBox box)
    {
        var outcome = await node.Lanes.ExecuteAsConsumerAsync<Done>(Lane.Site(site), Caller.System, async tx =>
        {
            foreach (var p in await tx.QueryAsync<Plain>(Select + " AND site = @site", new { site }))
                await tx.WriteAsync("UPDATE carrier_secrets SET value = '', sealed = @secret WHERE site = @site AND carrier = @carrier AND name = @name", new
                {
                    site, carrier = p.Carrier, name = p.Name, secret = box.Seal(CarrierRows.PurposeOf(site, p.Carrier, p.Name), Encoding.UTF8.GetBytes(p.Value), Personal.IdsOf(tx)),
                });
            return new Done();
        });
        if (!outcome.Outcome.IsOk) throw new ConsumerStalledException(outcome.Outcome.Refusal!.Detail);
    }
}
