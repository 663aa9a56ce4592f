using Stowline.Kernel;

namespace Stowline.Site.Fulfillment;

/// <summary>What a state table says to an action: do it, it was done before, or it must not be.</summary>
public enum Transition { Go = 1, AlreadyThere = 2, Wrong = 3 }

/// <summary>The one wording of a wrong transition (F2, F4): from where, what was tried, what would be right.</summary>
internal static class Transitions
{
    public static Refusal Refuse(string what, long number, string from, string action, IEnumerable<string> allowed)
    {
        string[] right = [.. allowed];
        var hint = right.Length == 0 ? "nothing more can be done with it" : "allowed: " + string.Join(", ", right);
        return Refusal.Conflict("invalid_transition", $"{what} {number} is {from} and cannot {action}; {hint}",
            new Dictionary<string, object?> { ["from"] = from, ["action"] = action, ["allowed"] = right });
    }

    public static Refusal OnHold(string what, long number) => Refusal.Conflict("order_on_hold", $"the order of {what} {number} is on hold; release it first");
}
