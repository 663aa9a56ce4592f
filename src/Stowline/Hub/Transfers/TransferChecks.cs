using System.Globalization;
using Stowline.Hub.Promising;
using Stowline.Store;

namespace Stowline.Hub.Transfers;

/// <summary>What must hold of transfers: conservation goes on between the sites.</summary>
internal static class TransferChecks
{
    private sealed record LineRow
    {
        public Guid Id { get; init; }
        public long Number { get; init; }
        public string FromSite { get; init; } = "";
        public string ToSite { get; init; } = "";
        public TransferStatus Status { get; init; }
        public string Sku { get; init; } = "";
        public long Requested { get; init; }
        public long Short { get; init; }
        public long Shipped { get; init; }
        public long Received { get; init; }

        public long InTransit => Status == TransferStatus.InTransit ? Math.Max(0, Shipped - Received) : 0;
    }

    private static IAsyncEnumerable<LineRow> StreamAsync(SqlSession session) => session.StreamAsync<LineRow>("""
        SELECT t.id, t.number, t.from_site, t.to_site, t.status, l.sku, l.requested, l.short, l.shipped, l.received
        FROM transfers t JOIN transfer_lines l ON l.transfer_id = t.id ORDER BY t.id, l.sku
        """);

    /// <summary>Each unit that was asked for is open, short or shipped, once.</summary>
    public static async Task<string?> LinesAsync(SqlSession session)
    {
        await foreach (var line in StreamAsync(session))
        {
            var open = line.Requested - line.Short - line.Shipped;
            var isOpen = TransferLifecycle.IsOpen(line.Status);
            if (line.Short < 0 || line.Shipped < 0 || line.Received < 0 || open < 0 || isOpen && line.Shipped > 0 || !isOpen && open > 0)
                return $"transfer {line.Number}: {line.Requested} units of {line.Sku} were asked for, {line.Short} are short and {line.Shipped} shipped";
        }
        return null;
    }

    /// <summary>Units that are promised to transfers, added to those of orders.</summary>
    public static async Task AddOpenAsync(SqlSession session, Dictionary<(string Site, string Sku), long> open)
    {
        await foreach (var line in StreamAsync(session))
            if (TransferLifecycle.IsOpen(line.Status)) open[(line.FromSite, line.Sku)] = open.GetValueOrDefault((line.FromSite, line.Sku)) + line.Requested - line.Short;
    }

    /// <summary>
    /// What is expected at each site is what is on its way there; and the hub knows of no unit that a site whose books are here has not shipped or taken in. The hub may be behind, so it may know of
    /// fewer.
    /// </summary>
    public static async Task<string?> InTransitAsync(SqlSession session, TransferUnits? shipped, TransferUnits? received)
    {
        var shippedAt = shipped is null ? null : await shipped(session);
        var receivedAt = received is null ? null : await received(session);
        var expected = new Dictionary<(string Site, string Sku), long>();
        await foreach (var line in StreamAsync(session))
        {
            if (line.InTransit > 0) expected[(line.ToSite, line.Sku)] = expected.GetValueOrDefault((line.ToSite, line.Sku)) + line.InTransit;
            if (More(line.Shipped, shippedAt, line.Id.ToString(), line.Sku) is { } sent) return $"transfer {line.Number}: {line.Shipped} units of {line.Sku} are in the hub's books, {line.FromSite} has shipped {sent}";
            if (More(line.Received, receivedAt, line.Number.ToString(CultureInfo.InvariantCulture), line.Sku) is { } came)
                return $"transfer {line.Number}: {line.Received} units of {line.Sku} are in the hub's books, {line.ToSite} has taken in {came}";
        }
        return await PromiseChecks.CompareIncomingAsync(session, expected);
    }

    /// <summary>What the site says, where it is less than the hub does.</summary>
    private static long? More(long units, IReadOnlyDictionary<(string, string), long>? books, string transfer, string sku) =>
        books is not null && books.TryGetValue((transfer, sku), out var atSite) && atSite < units ? atSite : null;
}
