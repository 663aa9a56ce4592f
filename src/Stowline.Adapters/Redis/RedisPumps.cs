using Stowline.Adapters.Brokers;
using Stowline.Log;

namespace Stowline.Adapters.Redis;

/// <summary>What a node with the setting <c>redis</c> does by itself: orders in from the listings service, each site's events out.</summary>
public static class RedisPumps
{
    public static IEnumerable<Pump> Of(Node node, RedisSettings settings)
    {
        var link = new RedisLink(settings, node.Time);
        var listings = new RedisIn(link, settings, RedisSettings.ListingsStream, RedisSettings.ListingsGroup, "order_id", node.Time, () => node.Lanes.Duty.IsOurs);
        yield return new OrderIntake(node, listings, new ListingsFormat(node).ReadAsync);
        yield return new SiteRelays(node, link, settings);
        yield return new QueueWatch(node, new RedisQueues(settings, node.Time, RedisQueues.Door));
    }

    /// <summary>Begins with each site's events when the site comes to be.</summary>
    private sealed class SiteRelays : Pump, IAsyncDisposable
    {
        private readonly HashSet<string> _known = new(StringComparer.Ordinal);
        private readonly Node _node;
        private readonly RedisLink _link;
        private readonly RedisSettings _settings;

        public SiteRelays(Node node, RedisLink link, RedisSettings settings)
        {
            (_node, _link, _settings) = (node, link, settings);
            node.Lanes.Committed += OnCommitted;
        }

        public override string Name => "redis sites";

        private void OnCommitted(Lane lane, IReadOnlyList<EventRecord> events)
        {
            if (lane == Lane.HubAll) Wake.Set();
        }

        public override ValueTask<bool> RunOnceAsync(CancellationToken ct)
        {
            // Each with its own count of what it has written: they run beside each other.
            foreach (var site in _node.Sites)
                if (_known.Add(site)) _node.Add(new WmsRelay(_node, site, new RedisStreams(_link, _settings)));
            return ValueTask.FromResult(false);
        }

        public async ValueTask DisposeAsync()
        {
            _node.Lanes.Committed -= OnCommitted;
            await _link.DisposeAsync();
        }
    }
}
