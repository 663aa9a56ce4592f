using Stowline.Adapters.Brokers;
using Stowline.Log;

namespace Stowline.Adapters.RabbitMq;

/// <summary>What a node with the setting <c>rabbitmq</c> does by itself.</summary>
public static class RabbitPumps
{
    public static IEnumerable<Pump> Of(Node node, RabbitSettings settings)
    {
        yield return new OrderRelay(node.Lanes, new RabbitOut(settings, node.Time), settings.Types);
        if (settings.Intake is not null) yield return new OrderIntake(node, new RabbitIn(settings, node.Time, node.Ids), OrderFormats.Of(node));
        yield return new QueueWatch(node, new RabbitQueues(settings, node.Time));
    }
}
