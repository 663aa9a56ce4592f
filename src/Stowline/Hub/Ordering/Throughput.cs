using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Ordering;

/// <summary>How many orders were placed, shipped and cancelled in the minute that begins at <see cref="At"/>; <see cref="Lines"/> of those placed.</summary>
public sealed record ThroughputMinute(DateTimeOffset At, int Placed, int Shipped, int Cancelled, int Lines);

/// <summary>The last minutes, oldest first, without gaps; the last one is still running.</summary>
/// <param name="CompleteSince">Figures before it may be too low: so many events are not read for one answer.</param>
public sealed record ThroughputView(IReadOnlyList<ThroughputMinute> Minutes, DateTimeOffset CompleteSince);

/// <summary>
/// Orders per minute, counted from the lane <c>hub</c> (H9). Nothing is stored and nothing is counted while nobody asks: each question reads
/// what the lane has grown by since the one before, mostly from memory.
/// </summary>
public sealed class Throughput(Node node, int mostEvents = 50_000)
{
    public const int MaxMinutes = 180;
    private const int Page = 1000;

    private sealed class Count
    {
        public int Placed, Shipped, Cancelled, Lines;
    }

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Dictionary<long, Count> _minutes = [];
    private long? _position;
    private DateTimeOffset _completeSince;

    internal void Map(IEndpointRouteBuilder api) => api.Get("/orders/throughput", async http =>
    {
        var minutes = 60;
        if (Requests.Query(http, "minutes") is { } text &&
            (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out minutes) || minutes is < 1 or > MaxMinutes))
        {
            await Answers.WriteAsync(http, Refusal.Invalid("minutes", $"must be 1–{MaxMinutes}"));
            return;
        }
        await Answers.WriteAsync(http, (Outcome<ThroughputView>)await ReadAsync(minutes, http.RequestAborted));
    }).WithTags("Orders").WithSummary("Orders placed, shipped and cancelled per minute").Produces<ThroughputView>()
        .WithMetadata(new QueryParameter("minutes", "How many minutes, the running one included.", Number: (1, MaxMinutes, 60)));

    public async Task<ThroughputView> ReadAsync(int minutes, CancellationToken ct = default)
    {
        await _gate.WaitAsync(ct);
        try
        {
            var now = MinuteOf(node.Time.GetUtcNow());
            await CatchUpAsync(now - MaxMinutes + 1, ct);
            return new ThroughputView([.. Enumerable.Range(0, minutes).Select(i => now - minutes + 1 + i).Select(m =>
                _minutes.TryGetValue(m, out var c) ? new ThroughputMinute(StartOf(m), c.Placed, c.Shipped, c.Cancelled, c.Lines) : new ThroughputMinute(StartOf(m), 0, 0, 0, 0))],
                _completeSince > StartOf(now - minutes + 1) ? _completeSince : StartOf(now - minutes + 1));
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task CatchUpAsync(long oldest, CancellationToken ct)
    {
        var head = (await node.Database.ReadAsync(async s => await LaneReader.LanesAsync(s), ct)).Single(l => l.Name == Lane.Hub.Name).Head;
        // Also after a long silence: what nobody would see is not read.
        if (_position is null || head - _position > mostEvents)
        {
            _minutes.Clear();
            (_position, _completeSince) = await BeginAsync(oldest, head, ct);
        }
        foreach (var old in _minutes.Keys.Where(m => m < oldest).ToList()) _minutes.Remove(old);
        while (_position < head)
        {
            var events = await node.Lanes.ReadAsync(Lane.Hub, _position.Value, Page, ct);
            if (events.Count == 0) return;
            foreach (var e in events)
                if (MinuteOf(e.At) >= oldest) Add(e);
            _position = events[^1].Position;
        }
    }

    /// <summary>The position after which the window lies: the lane is in order of time, near enough for minutes.</summary>
    private async Task<(long Position, DateTimeOffset CompleteSince)> BeginAsync(long oldest, long head, CancellationToken ct)
    {
        var (low, high) = (Math.Max(0, head - mostEvents), head);
        if (low > 0 && await TimeAfterAsync(low, ct) is { } first && MinuteOf(first) >= oldest) return (low, first);
        while (low < high)
        {
            var middle = low + (high - low) / 2;
            if (await TimeAfterAsync(middle, ct) is { } at && MinuteOf(at) < oldest) low = middle + 1;
            else high = middle;
        }
        return (low, DateTimeOffset.MinValue);
    }

    private async Task<DateTimeOffset?> TimeAfterAsync(long position, CancellationToken ct) =>
        await node.Lanes.ReadAsync(Lane.Hub, position, 1, ct) is [var e, ..] ? e.At : null;

    private void Add(EventRecord e)
    {
        if (e.Type == OrderPlaced.Type)
        {
            var count = CountOf(e);
            count.Placed++;
            count.Lines += e.Read<OrderPlaced>().Lines.Count;
        }
        else if (e.Type == OrderStatusChanged.Type)
        {
            var to = e.Read<OrderStatusChanged>().To;
            if (to == SnakeCaseEnum<OrderStatus>.Text(OrderStatus.Shipped)) CountOf(e).Shipped++;
            else if (to == SnakeCaseEnum<OrderStatus>.Text(OrderStatus.Cancelled)) CountOf(e).Cancelled++;
        }
    }

    private Count CountOf(EventRecord e)
    {
        var minute = MinuteOf(e.At);
        return _minutes.TryGetValue(minute, out var count) ? count : _minutes[minute] = new Count();
    }

    private static long MinuteOf(DateTimeOffset at) => at.ToUnixTimeSeconds() / 60;
    private static DateTimeOffset StartOf(long minute) => DateTimeOffset.FromUnixTimeSeconds(minute * 60);
}
