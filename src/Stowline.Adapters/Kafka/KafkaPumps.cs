using Stowline.Adapters.Brokers;
using Stowline.Log;

namespace Stowline.Adapters.Kafka;

/// <summary>What a node with the setting <c>kafka</c> does by itself.</summary>
public static class KafkaPumps
{
    public static IEnumerable<Pump> Of(Node node, KafkaSettings settings)
    {
        if (KafkaNative.Missing is { } missing)
        {
            yield return new NotAvailable(missing, node.Time.GetUtcNow());
            yield break;
        }
        yield return new OrderRelay(node.Lanes, new KafkaOut(settings), settings.Types);
        if (settings.Intake is null) yield break;
        yield return new OrderIntake(node, new KafkaIn(settings), OrderFormats.Of(node));
        yield return new QueueWatch(node, new KafkaQueues(settings));
    }

    /// <summary>Stands in the status in place of what cannot run here.</summary>
    private sealed class NotAvailable : Pump
    {
        public NotAvailable(string why, DateTimeOffset at) => SayTrouble(why, at);

        public override string Name => "kafka";
        public override TimeSpan Idle => TimeSpan.FromHours(1);
        public override ValueTask<bool> RunOnceAsync(CancellationToken ct) => ValueTask.FromResult(false);
    }
}
