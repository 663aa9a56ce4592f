using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Site.Transfers;

namespace Stowline.Simulation;

/// <summary>
/// Goods that come to one site from others. A truck leaves when the sending site has shipped it, whoever has heard of it, and is often there before the news. What it brings is what it
/// brings: some units have fallen off, some are too many. They are taken in by the number on the label, all at once or in pieces, under an idempotency key.
/// </summary>
internal sealed class Unloading(World world, SimNode site)
{
    private readonly Lane _lane = Lane.Site(site.Name);

    public void Act()
    {
        var trucks = Here(Waiting());
        if (trucks.Count > 0) Unload(trucks[world.Random.Next(trucks.Count)]);
    }

    /// <summary>Takes in all that is there, then says that nothing more will come. False when there is nothing to take in or to say.</summary>
    public bool Finish()
    {
        var trucks = Waiting();
        foreach (var truck in Here(trucks)) Unload(truck);
        if (trucks.Count > 0) return true;
        var ended = world.Read(site, Books.EndedAsync).ToHashSet();
        var open = world.Read(world.Hub, s => Books.OnTheWayAsync(s, site.Name)).Where(number => !ended.Contains(number)).ToList();
        foreach (var number in open) world.Go(() => AskAsync(new TransferReceiptBody(number, null, true), new Caller("gate")));
        return open.Count > 0;
    }

    private List<Truck> Here(List<Truck> trucks) => trucks.FindAll(t => t.Arrival <= world.Now);

    /// <summary>What is to be taken in, or will be.</summary>
    private List<Truck> Waiting()
    {
        var known = world.Book.Trucks;
        foreach (var from in world.Sites.Where(s => s != site))
        {
            foreach (var sent in world.Read(from, Books.SentAsync).GroupBy(s => s.OrderId).Where(s => !known.ContainsKey(s.Key)))
            {
                // The label says where it goes, whether or not a hub that was restored knows of it.
                var to = world.Read(from, s => Books.DestinationAsync(s, sent.Key)) ?? world.Read(world.Hub, s => Books.DestinationAtHubAsync(s, sent.Key));
                if (to != site.Name) continue;
                var number = sent.First().Number;
                world.Tell($"transfer {number} comes to {site.Name}");
                known[sent.Key] = new Truck(number, site.Name, world.Now + (world.Chance(40) ? TimeSpan.Zero : TimeSpan.FromSeconds(world.Random.Next(60))),
                    [.. sent.Select(s => new Load(s.Sku, s.Lot, Arriving((int)s.Units))).Where(l => l.Units > 0)]);
            }
        }
        return [.. known.Values.Where(t => t.Site == site.Name && !t.IsDone && !t.IsAsking)];
    }

    private int Arriving(int units) => world.Random.Next(100) switch
    {
        < 70 => units,
        < 85 => units - world.Random.Next(1, units + 1),
        _ => units + world.Random.Next(1, 3),
    };

    private void Unload(Truck truck) => world.Go(async () =>
    {
        var body = truck.Asked ??= Next(truck);
        truck.IsAsking = true;
        try
        {
            var caller = new Caller("gate", null, IdempotencyKey.Of("gate", "POST", "/transfer-receipts", $"{truck.Number}/{truck.Receipts}", []));
            if (!await AskAsync(body, caller)) return;
            foreach (var line in body.Lines!) truck.Booked[line!.Sku!] = truck.Booked.GetValueOrDefault(line.Sku!) + line.Quantity!.Value;
            (truck.Asked, truck.Receipts) = (null, truck.Receipts + 1);
            // Somebody has not seen the answer. A site that was restored may not know the key any more.
            if (world.Chance(10) && !world.HasForgotten) await AskAsync(body, caller);
        }
        finally
        {
            truck.IsAsking = false;
        }
    });

    /// <summary>All that is on the truck, or some of it.</summary>
    private TransferReceiptBody Next(Truck truck)
    {
        var all = world.Chance(70);
        var taken = truck.Load.Select(l => l with { Units = all ? l.Units : world.Random.Next(l.Units + 1) }).ToList();
        if (taken.TrueForAll(l => l.Units == 0)) taken = [.. truck.Load];
        var left = truck.Load.Zip(taken, (l, t) => l with { Units = l.Units - t.Units }).Where(l => l.Units > 0).ToList();
        truck.Load.Clear();
        truck.Load.AddRange(left);
        bool? complete = left.Count == 0 && world.Chance(50) ? true : null;
        return new TransferReceiptBody(truck.Number,
            [.. taken.Where(l => l.Units > 0).Select(l => (ReceiptLine?)new ReceiptLine { Sku = l.Sku, Lot = l.Lot, Quantity = l.Units, Bin = world.Chance(60) ? "A-1" : null })], complete);
    }

    /// <summary>Whether it is booked.</summary>
    private async Task<bool> AskAsync(TransferReceiptBody body, Caller caller)
    {
        var answer = await site.AskAsync(node => node.Lanes.ExecuteAsync(_lane, caller, tx => ReceiveTransfer.DecideAsync(site.Name, body, tx), o => o.IsOk ? new StoredAnswer(201, null, []) : null, 0, default));
        if (answer.Replayed) world.Counters.Add("requests answered again");
        if (answer.Replayed || answer.Outcome.Refusal is not { } no) return true;
        if (no.Kind != RefusalKind.Unavailable) world.Fail($"{site.Name}: goods of transfer {body.Transfer} were refused: {no.Code} ({no.Detail})");
        return false;
    }
}
