using System.Text.Json;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Ordering;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Channels;

/// <summary>
/// Finds in the lanes what accounts are to be told of their orders: the hub's lane says how an order stands, a site's lane in which parcel a part of it left. The cursor of a lane moves
/// in the transaction that writes the reports, so none is missed; of an order's status only the latest is told. It begins with what happens once there is an account.
/// </summary>
internal sealed class ReportFeed : Pump, IAsyncDisposable
{
    private const int BatchSize = 500;
    private readonly Node _node;
    private readonly ChannelsModule _module;
    private volatile bool _any;

    public ReportFeed(Node node, ChannelsModule module)
    {
        (_node, _module) = (node, module);
        node.Lanes.Committed += OnCommitted;
    }

    public override string Name => "channel reports";

    private sealed record CursorRow { public string Lane { get; init; } = ""; public long Position { get; init; } }
    private sealed record Found(string Account, Guid Order, string ExternalId, ReportKind Kind, int Part, long Position, string Word, string? Carrier, string? TrackingNumber, string? Lines);

    private static bool Follows(string lane) => lane == Lane.Hub.Name || lane.StartsWith("site/", StringComparison.Ordinal);
    private static bool Wants(EventRecord e) => e.OrderId is not null && (e.Type == OrderStatusChanged.Type || e.Type == PartShipped.Type);

    private void OnCommitted(Lane lane, IReadOnlyList<EventRecord> events)
    {
        if (_any && events.Any(Wants)) Wake.Set();
    }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (!_node.Lanes.Duty.IsOurs) return false;
        var accounts = await _node.Database.ReadAsync(async s => await AccountRow.AllAsync(s), ct);
        _any = accounts.Count > 0;
        if (!_any) return false;
        var (lanes, cursors) = await _node.Database.ReadAsync(async s => (await LaneReader.LanesAsync(s),
            (await s.QueryAsync<CursorRow>("SELECT lane, position FROM channel_report_cursors")).ToDictionary(c => c.Lane, c => c.Position)), ct);
        var worked = false;
        foreach (var lane in lanes.Where(l => Follows(l.Name)))
        {
            // A lane that is newer than the first account is read from its beginning.
            if (cursors.TryGetValue(lane.Name, out var position) || cursors.Count > 0) worked |= position < lane.Head && await FeedAsync(accounts, new Lane(lane.Name), position, ct);
            else worked |= await MoveAsync(lane.Name, -1, lane.Head, []);
        }
        return worked;
    }

    private async Task<bool> FeedAsync(IReadOnlyList<AccountRow> accounts, Lane lane, long position, CancellationToken ct)
    {
        var events = await _node.Lanes.ReadAsync(lane, position, BatchSize, ct, ask: true);
        if (events.Count == 0) return false;
        EventRecord[] wanted = [.. events.Where(Wants)];
        var found = wanted.Length == 0 ? [] : await _node.Database.ReadAsync(s => FindAsync(s, accounts, wanted), ct);
        return await MoveAsync(lane.Name, position, events[^1].Position, found);
    }

    private static async Task<IReadOnlyList<Found>> FindAsync(SqlSession session, IReadOnlyList<AccountRow> accounts, EventRecord[] events)
    {
        var told = accounts.Where(a => a.Rules.TellsOrders).Select(a => a.Code).ToHashSet(StringComparer.Ordinal);
        var origins = await ReadChannel.OriginsAsync(session, [.. events.Select(e => e.OrderId!.Value).Distinct()]);
        var found = new Dictionary<(Guid, ReportKind, int), Found>();
        foreach (var e in events)
        {
            var id = e.OrderId!.Value;
            if (!origins.TryGetValue(id, out var origin) || !told.Contains(origin.Channel)) continue;
            var report = e.Type == PartShipped.Type && e.Read<PartShipped>() is var shipped
                ? new Found(origin.Channel, id, origin.ExternalId, ReportKind.Shipment, shipped.Part, e.Position, "", shipped.Carrier, shipped.TrackingNumber, JsonSerializer.Serialize(shipped.Lines, HttpJson.Options))
                : new Found(origin.Channel, id, origin.ExternalId, ReportKind.Status, 0, e.Position, e.Read<OrderStatusChanged>().To, null, null, null);
            found[(id, report.Kind, report.Part)] = report; // the last of a batch is the latest
        }
        return [.. found.Values];
    }

    /// <summary>Compare and set: another process, or another run of this one, may have been here.</summary>
    private async Task<bool> MoveAsync(string lane, long from, long to, IReadOnlyList<Found> found)
    {
        var outcome = await _node.Lanes.ExecuteAsConsumerAsync<bool>(Lane.Hub, Caller.System, async tx =>
        {
            var moved = await tx.ChangeAsync<long?>("""
                INSERT INTO channel_report_cursors (lane, position) VALUES (@lane, @to)
                ON CONFLICT (lane) DO UPDATE SET position = excluded.position WHERE channel_report_cursors.position = @from RETURNING position
                """, new { lane, from, to });
            if (moved is not null && found.Count > 0) await WriteAsync(tx, found);
            return moved is not null;
        });
        if (outcome.Outcome.Refusal is { } no) throw new ConsumerStalledException(no.Detail);
        if (found.Count > 0) _module.WakeAll();
        return outcome.Outcome.Value;
    }

    /// <summary>A newer word takes the older one's place, wherever that stands: what is on its way is followed by it.</summary>
    private ValueTask WriteAsync(LaneTransaction tx, IReadOnlyList<Found> found)
    {
        var n = found.Count;
        return tx.UpsertAsync("channel_reports", "account, order_id, kind, part", """
            word = excluded.word, carrier = excluded.carrier, tracking_number = excluded.tracking_number, lines = excluded.lines, position = excluded.position, status = excluded.status, retry_count = excluded.retry_count,
            next_retry_at = excluded.next_retry_at, transport = excluded.transport, revive_at = excluded.revive_at, completed_at = excluded.completed_at, error_message = excluded.error_message,
            updated_at = excluded.updated_at
            """, n, Column.From("id", found, _ => tx.NewId()), Column.From("account", found, f => f.Account), Column.From("order_id", found, f => f.Order),
            Column.From("external_id", found, f => f.ExternalId), Column.From("kind", found, f => (int)f.Kind), Column.From("part", found, f => f.Part),
            Column.From("position", found, f => f.Position), Column.From("word", found, f => f.Word), Column.From("carrier", found, f => f.Carrier),
            Column.From("tracking_number", found, f => f.TrackingNumber), Column.From("lines", found, f => f.Lines), Column.Same("status", n, (int)OperationStatus.Pending), Column.Same("unsure", n, false),
            Column.Same("retry_count", n, 0), Column.Same("max_retries", n, _module.Sync.RetryMaxAttempts), Column.Same("next_retry_at", n, tx.Now), Column.Same("transport", n, false),
            Column.Same("revivals", n, 0), Column.Same("revive_at", n, (DateTimeOffset?)null), Column.Same("created_at", n, tx.Now), Column.Same("updated_at", n, tx.Now),
            Column.Same("completed_at", n, (DateTimeOffset?)null), Column.Same("error_message", n, (string?)null));
    }

    public ValueTask DisposeAsync()
    {
        _node.Lanes.Committed -= OnCommitted;
        return ValueTask.CompletedTask;
    }
}
