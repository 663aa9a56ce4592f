using Stowline.Adapters.Brokers;
using Stowline.Log;

namespace Stowline.Server.Operations;

/// <summary>What waits before and behind the brokers (H4).</summary>
public sealed record BrokersStatus(IReadOnlyList<RelayStatus> Relays, IReadOnlyList<IntakeStatus> Intakes, IReadOnlyList<BrokerStatus> Brokers)
{
    /// <summary>As this process sees it: what another process relays, takes in or asks about is in that one's status.</summary>
    internal static BrokersStatus Of(Node node) => new(
        [.. node.Pumps.OfType<LaneRelay>().Where(r => r.IsOurs).Select(r => new RelayStatus(r.Name, r.Lag, r.OldestAge.TotalSeconds))],
        [.. node.Pumps.OfType<OrderIntake>().Where(i => i.State is not null)
            .Select(i => new IntakeStatus(i.Name, i.State!.Value.Messages, i.State.Value.Unacknowledged, i.State.Value.OldestAge?.TotalSeconds))],
        [.. node.Pumps.OfType<QueueWatch>().Where(w => w.Queues.Count > 0).Select(w => new BrokerStatus(w.Broker, w.Queues))]);
}

/// <summary>What a relay has yet to pass on.</summary>
/// <param name="Lag">Events of the lane.</param>
/// <param name="OldestSeconds">Age of the oldest of them.</param>
public sealed record RelayStatus(string Name, long Lag, double OldestSeconds);

/// <summary>What waits to be taken in.</summary>
/// <param name="OldestSeconds">Age of the oldest message; null where the broker does not tell.</param>
public sealed record IntakeStatus(string Name, long Messages, long Unacknowledged, double? OldestSeconds);

/// <summary>A broker's queues.</summary>
public sealed record BrokerStatus(string Broker, IReadOnlyList<BrokerQueue> Queues);
