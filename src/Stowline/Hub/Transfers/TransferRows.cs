using Stowline.Contracts;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Transfers;

/// <summary>Goods on their way from one site to another (W5). Units.</summary>
public sealed record TransferView(
    string Id, long Number, string From, string To, TransferStatus Status, Priority Priority, string? Reason, string? Carrier, string? TrackingNumber, DateTimeOffset RequestedAt,
    DateTimeOffset? ShippedAt, DateTimeOffset? ClosedAt, IReadOnlyList<TransferLineView> Lines);

/// <summary>One SKU of a transfer. Units.</summary>
/// <param name="Short">What the sending site could not find or gave back.</param>
/// <param name="InTransit">Shipped and not received, while more may come.</param>
/// <param name="Missing">Shipped and not received, when nothing more will come. Negative: more came than was shipped.</param>
public sealed record TransferLineView(string Sku, long Requested, long Short, long Shipped, long Received, long InTransit, long Missing);

/// <summary>A transfer as the hub works on it: loaded, changed in memory, saved.</summary>
internal sealed class TransferRow
{
    public Guid Id { get; init; }
    public long Number { get; init; }
    public string FromSite { get; init; } = "";
    public string ToSite { get; init; } = "";
    public TransferStatus Status { get; set; }
    public Priority Priority { get; init; }
    public string? Reason { get; init; }
    public string? Carrier { get; set; }
    public string? TrackingNumber { get; set; }
    public bool Arrived { get; set; }
    public DateTimeOffset RequestedAt { get; init; }
    public DateTimeOffset? ShippedAt { get; set; }
    public DateTimeOffset? ClosedAt { get; set; }

    public List<TransferLineRow> Lines { get; set; } = [];

    public TransferLineRow Line(string sku)
    {
        if (Lines.Find(l => l.Sku == sku) is { } line) return line;
        Lines.Add(line = new TransferLineRow { TransferId = Id, Sku = sku });
        return line;
    }

    /// <summary>The receiving site has taken units in.</summary>
    /// <param name="complete">Nothing more will come.</param>
    public void Receive(IEnumerable<TransferLot> lots, bool complete)
    {
        foreach (var lot in lots) Line(lot.Sku).Received += lot.Quantity;
        Arrived |= complete;
    }

    /// <summary>Units of a line that are on their way.</summary>
    public long InTransit(TransferLineRow line) => Status == TransferStatus.InTransit ? Math.Max(0, line.Shipped - line.Received) : 0;

    public TransferView View() => new(Id.ToString(), Number, FromSite, ToSite, Status, Priority, Reason, Carrier, TrackingNumber, RequestedAt, ShippedAt, ClosedAt,
        [.. Lines.OrderBy(l => l.Sku, StringComparer.Ordinal).Select(l => new TransferLineView(l.Sku, l.Requested, l.Short, l.Shipped, l.Received, InTransit(l),
            Status is TransferStatus.InTransit || TransferLifecycle.IsOpen(Status) ? 0 : l.Shipped - l.Received))]);
}

/// <summary>A row of <c>transfer_lines</c>.</summary>
internal sealed class TransferLineRow
{
    public Guid TransferId { get; init; }
    public string Sku { get; init; } = "";
    public long Requested { get; init; }
    public long Short { get; set; }
    public long Shipped { get; set; }
    public long Received { get; set; }
}

/// <summary>Reads and writes of the hub's tables of transfers.</summary>
internal static class TransferRows
{
    internal const string Columns = "id, number, from_site, to_site, status, priority, reason, carrier, tracking_number, arrived, requested_at, shipped_at, closed_at";
    private const string LineColumns = "transfer_id, sku, requested, short, shipped, received";

    public static Refusal NotFound(string key) => Refusal.NotFound("transfer_not_found", $"there is no transfer {key}");

    public static async ValueTask<TransferRow?> FindAsync(SqlSession session, Guid id) => await WithLinesAsync(session,
        await session.FindAsync<TransferRow>($"SELECT {Columns} FROM transfers WHERE id = @id", new { id }));

    public static async ValueTask<TransferRow?> FindAsync(SqlSession session, long number) => await WithLinesAsync(session,
        await session.FindAsync<TransferRow>($"SELECT {Columns} FROM transfers WHERE number = @number", new { number }));

    public static async ValueTask<TransferRow?> WithLinesAsync(SqlSession session, TransferRow? row)
    {
        if (row is not null) row.Lines = [.. await session.QueryAsync<TransferLineRow>($"SELECT {LineColumns} FROM transfer_lines WHERE transfer_id = @id ORDER BY sku", new { id = row.Id })];
        return row;
    }

    /// <summary>Those of the ids that are transfers.</summary>
    public static async ValueTask<Dictionary<Guid, TransferRow>> LoadAsync(LaneTransaction tx, IReadOnlyCollection<Guid> ids)
    {
        var found = new List<Guid>();
        await tx.SelectAsync("SELECT t.id FROM transfers t WHERE t.id = k.id", ids.Count, [Column.Of("id", [.. ids])], row => found.Add(row.GetGuid(0)));
        var transfers = new Dictionary<Guid, TransferRow>();
        foreach (var id in found) transfers[id] = (await FindAsync(tx.Group.Session, id))!;
        return transfers;
    }

    public static async ValueTask InsertAsync(LaneTransaction tx, TransferRow row)
    {
        await tx.WriteAsync($"""
            INSERT INTO transfers ({Columns})
            VALUES (@Id, @Number, @FromSite, @ToSite, @Status, @Priority, @Reason, @Carrier, @TrackingNumber, @Arrived, @RequestedAt, @ShippedAt, @ClosedAt)
            """, new
            {
                row.Id, row.Number, row.FromSite, row.ToSite, row.Status, row.Priority, row.Reason, row.Carrier, row.TrackingNumber, row.Arrived, row.RequestedAt, row.ShippedAt, row.ClosedAt,
            });
        await SaveLinesAsync(tx, row);
    }

    public static async ValueTask SaveAsync(LaneTransaction tx, TransferRow row)
    {
        await tx.WriteAsync("""
            UPDATE transfers SET status = @Status, carrier = @Carrier, tracking_number = @TrackingNumber, arrived = @Arrived, shipped_at = @ShippedAt, closed_at = @ClosedAt WHERE id = @Id
            """, new { row.Id, row.Status, row.Carrier, row.TrackingNumber, row.Arrived, row.ShippedAt, row.ClosedAt });
        await SaveLinesAsync(tx, row);
    }

    private static ValueTask SaveLinesAsync(LaneTransaction tx, TransferRow row) => tx.UpsertAsync("transfer_lines", "transfer_id, sku",
        "short = excluded.short, shipped = excluded.shipped, received = excluded.received", row.Lines.Count,
        Column.Same("transfer_id", row.Lines.Count, row.Id), Column.From("sku", row.Lines, l => l.Sku), Column.From("requested", row.Lines, l => l.Requested),
        Column.From("short", row.Lines, l => l.Short), Column.From("shipped", row.Lines, l => l.Shipped), Column.From("received", row.Lines, l => l.Received));

    /// <summary>Changes a transfer and tells of it: its status, and what is on its way to the receiving site.</summary>
    public static async ValueTask ChangeAsync(LaneTransaction tx, TransferRow row, Action change, Caller? caller = null)
    {
        var before = row.Status;
        var expected = row.Lines.ToDictionary(l => l.Sku, row.InTransit, StringComparer.Ordinal);
        change();
        await SaveAsync(tx, row);
        foreach (var line in row.Lines)
            if (row.InTransit(line) - expected.GetValueOrDefault(line.Sku) is not 0 and var more) await Allotments.ExpectAsync(tx, row.ToSite, line.Sku, more);
        if (row.Status != before)
            tx.Append(Lane.Hub, new TransferStatusChanged(row.Id, row.Number, SnakeCaseEnum<TransferStatus>.Text(before), SnakeCaseEnum<TransferStatus>.Text(row.Status)), row.Id.ToString(), row.Id, caller);
    }
}
