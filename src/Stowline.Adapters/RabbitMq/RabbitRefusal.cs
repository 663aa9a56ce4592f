using System.Text.RegularExpressions;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Stowline.Adapters.RabbitMq;

/// <summary>
/// What the broker says to a declaration that it will never take, in words that name the queue, what is wrong with it, and the cure (H4). Trying again does not help, but nobody else can put
/// it right either: the pump goes on failing with these words until an operator has.
/// </summary>
internal static partial class RabbitRefusal
{
    /// <summary>Null when it is none of these.</summary>
    public static string? Explain(ShutdownEventArgs? reason) => reason?.ReplyCode switch
    {
        Constants.PreconditionFailed when Inequivalent().Match(reason.ReplyText) is { Success: true } m => Differs(m.Groups["kind"].Value, m.Groups["name"].Value, m.Groups["argument"].Value,
            m.Groups["wanted"].Value, m.Groups["found"].Value),
        Constants.AccessRefused => $"RabbitMQ does not let Stowline's user make or use what it needs; the user needs the permissions to configure, write and read it (rabbitmqctl set_permissions): {reason.ReplyText}",
        Constants.ResourceLocked => $"another connection has a queue for itself alone that Stowline needs; delete it or name another one in the setting rabbitmq: {reason.ReplyText}",
        _ => null,
    };

    private static string Differs(string kind, string name, string argument, string wanted, string found) =>
        $"the {kind} '{name}' was made before with another {argument}: Stowline needs {Value(wanted)}, there it is {Value(found)}. " + (kind == "queue"
            ? $"Empty it and delete it (rabbitmqctl delete_queue {name}): Stowline makes it anew. Or name another one in the setting rabbitmq"
            : "Delete it: Stowline makes it anew. Or name another one in the setting rabbitmq");

    /// <summary>The broker writes <c>the value 'quorum' of type 'longstr'</c>, or <c>none</c>.</summary>
    private static string Value(string told) => Told().Match(told) is { Success: true } m ? $"'{m.Groups[1].Value}'" : told;

    [GeneratedRegex(@"inequivalent arg '(?<argument>[^']+)' for (?<kind>queue|exchange) '(?<name>.+)' in vhost '.*': received (?<wanted>.+) but current is (?<found>.+)$")]
    private static partial Regex Inequivalent();

    [GeneratedRegex("^(?:the value )?'(.*?)'(?: of type '[a-z_]+')?$")]
    private static partial Regex Told();
}
