using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Log;
using Stowline.Site.Fulfillment;

namespace Stowline.Adapters.Redis;

/// <summary>The events of one site to the streams of source 2 §5, in order and at least once.</summary>
public sealed class WmsRelay(Node node, string site, RedisStreams streams) : LaneRelay(node.Lanes, Lane.Site(site))
{
    public override string Name => "redis " + site;
    protected override bool Wants(string type) => WmsEvents.Wants(type);

    protected override IOutgoing Begin() => new Entries(this);

    private sealed class Entries(WmsRelay relay) : IOutgoing
    {
        private readonly List<EventRecord> _events = [];

        public void Add(EventView e) => _events.Add(e.Keep());
        public Task<IReadOnlyList<(int Index, string Reason)>> HandOverAsync(CancellationToken ct) => relay.AppendAsync(_events, ct);
        public IOutgoing Next() => new Entries(relay);
    }

    private async Task<IReadOnlyList<(int Index, string Reason)>> AppendAsync(IReadOnlyList<EventRecord> events, CancellationToken ct)
    {
        var about = events.Select(WmsEvents.About).ToList();
        var numbers = await node.Database.ReadAsync(async session => await NumbersAsync(session, [.. about.SelectMany(a => a.Orders).Distinct()], [.. about.SelectMany(a => a.Skus)]), ct);
        await streams.AppendAsync([.. events.SelectMany(e => WmsEvents.Of(e, numbers))], ct);
        return [];
    }

    private async Task<Numbers> NumbersAsync(Store.SqlSession session, IReadOnlyList<Guid> orders, IReadOnlyList<string> skus)
    {
        var origins = await TaskReads.OriginsAsync(session, orders);
        var found = origins.ToDictionary(o => o.Key, o => OldOrders.NumberOf(o.Value.Channel, o.Value.ExternalId, o.Value.Number));
        foreach (var order in orders)
            if (!found.ContainsKey(order) && await ReadOrders.FindAsync(session, order.ToString()) is { } view) found[order] = OldOrders.NumberOf(view.Channel, view.ExternalId, view.Number);
        return new Numbers((await OldNumbers.SitesAsync(session)).GetValueOrDefault(site), found, await OldNumbers.ExternalIdsAsync(session, skus));
    }

    private sealed record Numbers(int Warehouse, Dictionary<Guid, long> Orders, IReadOnlyDictionary<string, string> Listings) : IOldNumbers
    {
        public long Order(Guid id) => Orders.GetValueOrDefault(id);

        /// <summary>A product that no listing stands for is called by its SKU.</summary>
        public string Listing(string sku) => Listings.GetValueOrDefault(sku, sku);
    }
}
