using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Returns;
using Stowline.Site.Shipping;
using Stowline.Site.Stock;
using Stowline.Site.Topology;

namespace Stowline.Simulation;

/// <summary>The people of one site: they work as long as their own node answers, whatever the line to the hub does.</summary>
internal sealed class Workers
{
    private const int MostAtWork = 4;
    private readonly HashSet<Guid> _taken = [];
    private readonly World _world;
    private readonly SimNode _site;
    private readonly Lane _lane;
    private readonly Habits _habits;
    private readonly Counting _counting;
    private readonly Unloading _unloading;
    private int _references;
    private int _atWork;

    public Workers(World world, SimNode site)
    {
        (_world, _site, _lane) = (world, site, Lane.Site(site.Name));
        (_counting, _unloading) = (new Counting(world, site), new Unloading(world, site));
        _habits = new Habits(world.Random, (15, Work), (3, Receive), (1, AskForReceipt), (1, () => Go(AdjustAsync)), (1, () => Go(CountAsync)), (1, () => Go(DamageAsync)),
            (1, () => Go(MoveAsync)), (1, () => Go(ReturnAsync)), (1, () => Go(LockAsync)), (3, () => Go(SellAsync)),
            (1, _counting.Ask), (1, _counting.Plan), (3, _unloading.Act));
    }

    /// <summary>From here on everybody finishes what there is, and finds what is there.</summary>
    public bool Finishing { get; set; }

    public void Act()
    {
        if (_site.IsUp) _habits.Act();
    }

    private void Go(Func<Task> flow) => _world.Go(flow);
    private string Reference() => $"{_site.Name}-{++_references}";

    // ---- goods

    public void Receive()
    {
        var (lot, expires) = (_world.Chance(_world.Plan.Dated) ? $"L{_world.Random.Next(3)}" : null, _world.Chance(10) ? -1 : _world.Random.Next(3));
        var delivery = new Delivery(_site.Name, Reference(), _world.AnySku(), _world.Random.Next(1, 12), lot,
            lot is null ? null : DateOnly.FromDateTime(_site.Clock.GetUtcNow().UtcDateTime).AddDays(expires));
        _world.Book.Deliveries.Add(delivery);
        Receive(delivery);
    }

    private void AskForReceipt()
    {
        var open = _world.Book.Undelivered.Where(d => d.Site == _site.Name).ToList();
        // A restored site does not know the keys of requests that it forgot: goods that it booked are not asked for again.
        if (open.Count == 0 && !_world.HasForgotten) open = [.. _world.Book.Deliveries.Where(d => d.Site == _site.Name && !d.IsAsking)];
        if (open.Count > 0) Receive(open[_world.Random.Next(open.Count)]);
    }

    /// <summary>Books a delivery, under an idempotency key: whoever hears nothing asks again.</summary>
    public void Receive(Delivery delivery) => Go(async () =>
    {
        delivery.IsAsking = true;
        try
        {
            var body = new ReceiptBody(delivery.Reference, [new ReceiptLine { Sku = delivery.Sku, Quantity = delivery.Units, Lot = delivery.Lot, ExpiresOn = delivery.ExpiresOn, Bin = _world.Chance(60) ? "A-1" : null }]);
            var caller = new Caller("gate", null, IdempotencyKey.Of("gate", "POST", "/receipts", delivery.Reference, []));
            var answer = await _site.AskAsync(node => node.Lanes.ExecuteAsync(_lane, caller, tx => ReceiveStock.DecideAsync(_site.Name, body, tx), o => o.IsOk ? new StoredAnswer(201, null, []) : null, 0, default));
            if (answer.Replayed) _world.Counters.Add("requests answered again");
            if (!answer.Replayed && answer.Outcome.Refusal is { } no)
            {
                if (no.Kind != RefusalKind.Unavailable) _world.Fail($"goods {delivery.Reference} were refused: {no.Code} ({no.Detail})");
                return;
            }
            delivery.IsOpen = false;
        }
        finally
        {
            delivery.IsAsking = false;
        }
    });

    private async Task<IReadOnlyList<StockRowView>> StockAsync() => await _site.AskAsync(node => node.Database.ReadAsync(session => Books.StockAsync(session, _site.Name)));

    private async Task<StockRowView?> AnyRowAsync(Func<StockRowView, bool> fits)
    {
        var rows = (await StockAsync()).Where(fits).ToList();
        return rows.Count == 0 ? null : rows[_world.Random.Next(rows.Count)];
    }

    private async Task AdjustAsync()
    {
        if (await AnyRowAsync(r => r.Bin != StockBook.Staging) is not { } row) return;
        var delta = _world.Random.Next(-4, 3);
        if (delta == 0) return;
        var answer = await AskAsync(tx => AdjustStock.DecideAsync(_site.Name, new AdjustmentBody(row.Sku, row.Bin, row.Lot, delta, null, null, "found"), tx));
        if (answer.IsOk && delta < 0) _world.Counters.Add("units lost");
    }

    private async Task CountAsync()
    {
        if (await AnyRowAsync(r => r.Bin != StockBook.Staging) is not { } row) return;
        var counted = Math.Max(0, row.OnHand - (_world.Chance(40) ? _world.Random.Next(3) : 0));
        if ((await AskAsync(tx => AdjustStock.DecideAsync(_site.Name, new AdjustmentBody(row.Sku, row.Bin, row.Lot, null, row.OnHand, counted, "count"), tx))).IsOk) _world.Counters.Add("counts");
    }

    private async Task DamageAsync()
    {
        if (await AnyRowAsync(r => r.Damaged > 0) is { } broken && _world.Chance(50))
            await AskAsync(tx => DamageStock.DisposeAsync(_site.Name, new DamageBody(broken.Sku, broken.Bin, broken.Lot, 1, "thrown away"), tx));
        else if (await AnyRowAsync(r => r.Available > 0 && r.Bin != StockBook.Staging) is { } row
                 && (await AskAsync(tx => DamageStock.DamageAsync(_site.Name, new DamageBody(row.Sku, row.Bin, row.Lot, 1, "dropped"), tx))).IsOk)
            _world.Counters.Add("damages");
    }

    private async Task MoveAsync()
    {
        if (await AnyRowAsync(r => r.Available > 0) is not { } row) return;
        var to = _world.Chance(50) ? "A-1" : "A-2";
        if (to != row.Bin) await AskAsync(tx => MoveStock.DecideAsync(_site.Name, new MoveBody(row.Sku, _world.Random.Next(1, (int)row.Available + 1), row.Bin, to, row.Lot, null), tx));
    }

    private async Task ReturnAsync()
    {
        var body = new ReceiveReturnBody
        {
            Reference = Reference(), Reason = "unwanted", Lines = [new ReturnLineBody { Sku = _world.AnySku(), Quantity = _world.Random.Next(1, 3), Condition = _world.Chance(30) ? "damaged" : "good" }],
        };
        await AskAsync(tx => ReceiveReturn.DecideAsync(_site.Name, body, tx));
    }

    /// <summary>Over the counter: from the share that the site keeps, or from what it has granted, when somebody insists.</summary>
    private async Task SellAsync()
    {
        var insists = _world.Chance(25);
        var body = new SaleBody(Reference(), [new SaleLine(_world.AnySku(), _world.Chance(70) ? 1 : _world.Random.Next(2, 4))], insists);
        var answer = await AskAsync(tx => SellStock.DecideAsync(_site.Name, body, tx));
        if (answer.IsOk) _world.Counters.Add(insists ? "counter sales beyond the share" : "counter sales");
        else if (answer.Refusal?.Code == "beyond_share") _world.Counters.Add("counter sales refused");
    }

    private async Task LockAsync()
    {
        // More is unlocked than locked, or soon nothing could be picked any more.
        var reason = _world.Chance(40) ? "wet" : null;
        if ((await AskAsync(tx => LockBin.DecideAsync(_site.Name, "A-2", reason, tx))).IsOk && reason is not null) _world.Counters.Add("bins locked");
    }

    // ---- tasks

    /// <summary>Somebody takes the next task: to pick, to pack, to ship, to put back, or to count.</summary>
    public void Work()
    {
        if (_atWork >= MostAtWork) return;
        _atWork++;
        Go(async () =>
        {
            try
            {
                await NextAsync();
            }
            finally
            {
                _atWork--;
            }
        });
    }

    /// <summary>Takes in what other sites have sent. False when nothing is there and nothing is on its way.</summary>
    public bool Unload() => _unloading.Finish();

    /// <summary>Whether anything waits to be done.</summary>
    public async Task<bool> HasWorkAsync() => _atWork > 0 || (await TasksAsync()).Count > 0;

    private Task<List<(string Kind, Guid Id)>> TasksAsync() => _site.AskAsync(node => node.Database.ReadAsync(async s =>
    {
        var all = new List<(string, Guid)>();
        all.AddRange((await OpenWork.PickingAsync(s, _site.Name, 50)).Select(t => ("pick", t.Id)));
        all.AddRange((await OpenWork.PackingAsync(s, _site.Name, 50)).Select(t => ("pack", t.Id)));
        all.AddRange((await OpenWork.PackedAsync(s, _site.Name, DateTimeOffset.MaxValue, 50)).Select(t => ("ship", t.Id)));
        all.AddRange((await OpenWork.PutBacksAsync(s, _site.Name, DateTimeOffset.MaxValue, 50)).Select(id => ("put back", id)));
        all.AddRange((await Books.StockTasksAsync(s, _site.Name)).Select(id => ("count", id)));
        return all;
    }));

    private async Task NextAsync()
    {
        // Now and then two take the same task.
        var tasks = (await TasksAsync()).Where(t => !_taken.Contains(t.Id) || _world.Chance(5)).ToList();
        if (tasks.Count == 0) return;
        var (kind, id) = tasks[_world.Random.Next(tasks.Count)];
        var first = _taken.Add(id);
        try
        {
            if (kind == "pick") await PickAsync(id);
            else if (kind == "pack") await PackAsync(id);
            else if (kind == "count") await _counting.DoAsync(id, Finishing);
            else if (kind == "ship") await AskAsync(tx => ShipPacking.DecideAsync(_site.Name, id, new ShipPackingBody { Carrier = "post" }, tx));
            else if ((await AskAsync(tx => PutBack.DecideAsync(_site.Name, id, _world.Chance(30) ? "A-2" : null, tx))).IsOk) _world.Counters.Add("put-backs");
        }
        finally
        {
            if (first) _taken.Remove(id);
        }
    }

    private async Task PickAsync(Guid id)
    {
        await AskAsync(tx => AssignPicking.DecideAsync(_site.Name, id, "ana", tx));
        var started = await AskAsync(tx => StartPicking.DecideAsync(_site.Name, id, tx));
        for (var round = 0; started.IsOk && started.Value.Status == PickingStatus.InProgress && round < 20; round++)
        {
            if (!Finishing && _world.Chance(4))
            {
                await AskAsync(tx => CancelPicking.DecideAsync(_site.Name, id, "broken leg", tx));
                return;
            }
            foreach (var item in started.Value.Items.Where(i => i.Status == PickingItemStatus.Pending))
            {
                if (!Finishing && _world.Chance(4)) return; // the shift is over; somebody else goes on
                await PickAsync(id, int.Parse(item.Id, System.Globalization.CultureInfo.InvariantCulture), item.QuantityRequired - item.QuantityPicked);
            }
            started = await AskAsync(tx => CompletePicking.DecideAsync(_site.Name, id, tx));
        }
    }

    private async Task PickAsync(Guid task, int item, int units)
    {
        var found = Finishing || _world.Chance(75) ? units : _world.Random.Next(units + 1);
        if (found > 0) await AskAsync(tx => PickItem.DecideAsync(_site.Name, task, item, new PickItemBody { Quantity = found }, tx));
        if (found == units) return;
        _world.Counters.Add("picks short");
        if (_world.Chance(50)) await AskAsync(tx => SkipItem.DecideAsync(_site.Name, task, item, "not there", tx));
    }

    private async Task PackAsync(Guid id)
    {
        await AskAsync(tx => StartPacking.DecideAsync(_site.Name, id, "ben", tx));
        await AskAsync(tx => AddPackage.DecideAsync(_site.Name, id, new AddPackageBody { PackagingType = "box", WeightG = 500, LengthMm = 300, WidthMm = 200, HeightMm = 100 }, tx));
        await AskAsync(tx => CompletePacking.DecideAsync(_site.Name, id, tx));
    }

    private Task<Outcome<T>> AskAsync<T>(Func<LaneTransaction, ValueTask<Outcome<T>>> decide) => _site.AskAsync(node => node.Lanes.ExecuteAsync(_lane, new Caller("worker"), decide));
}
