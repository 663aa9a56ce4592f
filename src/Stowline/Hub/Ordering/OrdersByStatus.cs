using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>How many orders stand where: for the metric and whoever else asks often.</summary>
public static class OrdersByStatus
{
    private sealed record Row
    {
        public int Status { get; init; }
        public long Orders { get; init; }
    }

    /// <summary>What an order as a whole may be; <see cref="OrderStatus.Short"/> is for parts.</summary>
    public static readonly IReadOnlyList<OrderStatus> All = [.. Enum.GetValues<OrderStatus>().Where(s => s != OrderStatus.Short)];

    /// <summary>Orders per status. A status without orders is missing.</summary>
    public static async Task<IReadOnlyDictionary<OrderStatus, long>> ReadAsync(SqlSession session) =>
        (await session.QueryAsync<Row>("SELECT status, COUNT(*) AS orders FROM orders GROUP BY status")).ToDictionary(r => (OrderStatus)r.Status, r => r.Orders);
}
