using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Shipping;

namespace Stowline.Server.Demo;

/// <summary>
/// The people of one site at work: pickers and packers who take the oldest task, one step at a time, and the vans that take what is packed.
/// Time is scaled, a minute on the floor is some seconds here. All state is in the tasks, so a second start goes on with them.
/// </summary>
internal sealed class DemoFloor
{
    private const int MostSeen = 100;
    private const int Hurry = 25;
    private static readonly TimeSpan PutBackAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan VanEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortestDwell = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan LongestDwell = TimeSpan.FromSeconds(7);
    private static readonly string[] Carriers = ["FALCON PARCEL", "NORTHPOST", "GREEN WHEELS"];

    /// <summary>Somebody with hands, and what they are at.</summary>
    private sealed class Hand(string name, bool packs)
    {
        public string Name => name;
        public bool Packs => packs;
        public OpenTask? Task { get; set; }
        public DateTimeOffset FreeAt { get; set; }
    }

    private readonly DemoDesk _desk;
    private readonly DemoPlace _place;
    private readonly DemoSteps _steps;
    private readonly DemoDice _dice;
    private readonly double _pace;
    private readonly Hand[] _hands;
    private DateTimeOffset _nextVan = DateTimeOffset.MinValue;
    private int _grown = 1;

    public DemoFloor(DemoDesk desk, DemoPlace place, DemoOptions options)
    {
        (_desk, _place, _dice) = (desk, place, new DemoDice(options.Seed));
        // The same people do more where more is sold: it is a sample of the business, not of its staffing.
        _pace = Math.Max(1, options.Rate / DemoOptions.DefaultRate);
        _steps = new DemoSteps(place, _dice);
        _hands = [.. place.Pickers.Select(n => new Hand(n, packs: false)), .. place.Packers.Select(n => new Hand(n, packs: true))];
    }

    /// <summary>Something happened at the site: idle hands look again.</summary>
    public void Grew() => Volatile.Write(ref _grown, 1);

    public async Task<bool> StepAsync(DateTimeOffset now, CancellationToken ct)
    {
        var worked = await TakeTasksAsync(now, ct);
        var busy = _hands.Where(h => h.Task is not null && h.FreeAt <= now).ToList();
        await Task.WhenAll(busy.Select(h => WorkAsync(h, now, ct)));
        worked |= busy.Count > 0;
        if (now < _nextVan) return worked;
        _nextVan = now + VanEvery;
        return await SendOffAsync(now, ct) | await PutBackAsync(now, ct) | worked;
    }

    private async Task<bool> TakeTasksAsync(DateTimeOffset now, CancellationToken ct)
    {
        if (Array.TrueForAll(_hands, h => h.Task is not null) || Interlocked.Exchange(ref _grown, 0) == 0) return false;
        var (picking, packing) = await _desk.ReadAsync(async s =>
            (await OpenWork.PickingAsync(s, _place.Code, MostSeen), await OpenWork.PackingAsync(s, _place.Code, MostSeen)), ct);
        return Take(picking, packs: false, now) | Take(packing, packs: true, now);
    }

    private bool Take(IReadOnlyList<OpenTask> open, bool packs, DateTimeOffset now)
    {
        var taken = _hands.Select(h => h.Task?.Id).OfType<Guid>().ToHashSet();
        // What somebody else has begun, a visitor with a handheld for instance, is theirs.
        var ours = open.Where(t => !taken.Contains(t.Id) && (t.Worker is null || Array.Exists(_hands, h => h.Name == t.Worker))).ToList();
        var next = 0;
        foreach (var hand in _hands.Where(h => h.Packs == packs && h.Task is null))
        {
            if (next == ours.Count) break;
            (hand.Task, hand.FreeAt) = (ours[next], Later(now, 0.3 + _dice.Throw(DemoDice.For.Pick, ours[next].Number) * 0.5, ours.Count));
            next++;
        }
        // There is more than hands: who becomes free need not wait for news.
        if (next < ours.Count) Grew();
        return next > 0;
    }

    /// <summary>The next step of a task. The longer the queue, the quicker the hands: it never grows without bound.</summary>
    private async Task WorkAsync(Hand hand, DateTimeOffset now, CancellationToken ct)
    {
        var task = hand.Task!;
        // Whoever began it goes on with it, in the books too.
        var who = task.Worker ?? hand.Name;
        var outcome = await _desk.AskAsync(Lane.Site(_place.Code), who, tx => hand.Packs ? _steps.PackAsync(task, who, tx) : _steps.PickAsync(task, who, tx), ct);
        if (outcome.Refusal is null && outcome.Value is { } seconds) hand.FreeAt = Later(now, seconds, 0);
        else (hand.Task, _) = (null, Interlocked.Exchange(ref _grown, 1));
    }

    private DateTimeOffset Later(DateTimeOffset now, double seconds, int queue) => now + TimeSpan.FromSeconds(seconds / _pace / (queue > Hurry ? 2 : 1));

    /// <summary>What has stood at the dock for its time leaves.</summary>
    private async Task<bool> SendOffAsync(DateTimeOffset now, CancellationToken ct)
    {
        var packed = await _desk.ReadAsync(s => OpenWork.PackedAsync(s, _place.Code, now - ShortestDwell / _pace, MostSeen), ct);
        var early = await _desk.ReadAsync(s => OpenWork.PackedAsync(s, _place.Code, now - LongestDwell / _pace, MostSeen), ct);
        var late = early.Select(t => t.Id).ToHashSet();
        var leaving = packed.Where(t => late.Contains(t.Id) || _dice.Throw(DemoDice.For.Dwell, t.Number, now.Second) < 0.25).ToList();
        await Task.WhenAll(leaving.Select(t => _desk.AskAsync<Shipment>(Lane.Site(_place.Code), "dispatch", tx => ShipPacking.DecideAsync(_place.Code, t.Id,
            new ShipPackingBody { Carrier = Carriers[(int)(_dice.Throw(DemoDice.For.Carrier, t.Number) * Carriers.Length)] }, tx), ct)));
        return leaving.Count > 0;
    }

    private async Task<bool> PutBackAsync(DateTimeOffset now, CancellationToken ct)
    {
        var waiting = await _desk.ReadAsync(s => OpenWork.PutBacksAsync(s, _place.Code, now - PutBackAfter, MostSeen), ct);
        foreach (var task in waiting) await _desk.AskAsync<PutBackTask>(Lane.Site(_place.Code), _place.Pickers[0], tx => PutBack.DecideAsync(_place.Code, task, null, tx), ct);
        return waiting.Count > 0;
    }
}
