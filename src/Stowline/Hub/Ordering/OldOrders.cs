using System.Globalization;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// Orders by the number that older systems use (contract, Old systems at the door): the id that they gave it themselves, in the channel
/// <c>listings</c>, else the order's number here.
/// </summary>
public static class OldOrders
{
    public const string Channel = "listings";

    /// <summary>Units kept for an order that is still to come are held orders of this channel.</summary>
    public const string Reservations = "reservations";

    public static async Task<Guid?> FindAsync(SqlSession session, long order)
    {
        var text = order.ToString(CultureInfo.InvariantCulture);
        return await ReadOrders.IdOfAsync(session, $"{Channel}:{text}") ?? await ReadOrders.IdOfAsync(session, text);
    }

    /// <summary>The id that the order came with, where it came from there; else its number.</summary>
    public static long NumberOf(string channel, string externalId, long number) => channel switch
    {
        Channel when long.TryParse(externalId, NumberStyles.None, CultureInfo.InvariantCulture, out var id) => id,
        Reservations when externalId.IndexOf(':') is > 0 and var end && long.TryParse(externalId.AsSpan(0, end), NumberStyles.None, CultureInfo.InvariantCulture, out var id) => id,
        _ => number,
    };
}
