using System.Security.Cryptography;
using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Transfers;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Simulation;

/// <summary>
/// The invariants of the architecture: what must hold after any step (<see cref="Quick"/>), what each node can say of itself (<see cref="Whole"/>), and what must
/// be the same everywhere once all has come to rest (<see cref="Compare"/>). Reads the disks, so it sees also what a node that is down has left.
/// </summary>
internal sealed partial class Audit(World world) : IDisposable
{
    private readonly Dictionary<SimNode, SqlSession> _sessions = [];

    private SqlSession On(SimNode node)
    {
        if (_sessions.TryGetValue(node, out var known)) return known;
        return _sessions[node] = world.Run(async () => await new SqliteDatabase(node.Disk.Path, node.Clock).OpenAsync(readOnly: true, default));
    }

    public T Read<T>(SimNode node, Func<SqlSession, Task<T>> read) => world.Run(() => read(On(node)));

    private IReadOnlyDictionary<string, LanePoint> Points(SimNode node) => Read(node, Replicas.PointsAsync);

    /// <summary>The disk of a node is another one.</summary>
    public void Forget(SimNode node)
    {
        if (!_sessions.Remove(node, out var session)) return;
        world.Run(async () =>
        {
            await session.DisposeAsync();
            return true;
        });
    }

    /// <summary>How far a node is that was restored and does not yet go on; empty for all others.</summary>
    public IReadOnlyList<Repair> RepairsOf(SimNode node) => Read(node, Repairs.AllAsync);

    /// <summary>Whether a node has less than others know of it, and does nothing.</summary>
    private bool IsInRepair(SimNode node) => world.HasForgotten && RepairsOf(node).Any(r => r.State != RepairState.Excluded);

    /// <summary>Sites of which nothing can be compared with the hub: they wait for their repair, or the hub goes on without them and they have another history of it. All, while the hub waits.</summary>
    private HashSet<SimNode> LeftOut()
    {
        if (!world.HasForgotten) return [];
        var atHub = RepairsOf(world.Hub);
        return [.. world.Sites.Where(site => atHub.Any(r => r.State != RepairState.Excluded || r.Site == site.Name) || IsInRepair(site))];
    }

    // ---- after any step

    /// <param name="touched">The nodes that were written to, and with the hub all that it writes for; null for all.</param>
    public void Quick(IReadOnlySet<SimNode>? touched = null)
    {
        var leftOut = LeftOut();
        var atHub = Points(world.Hub);
        foreach (var site in world.Sites)
        {
            if (touched is not null && !touched.Contains(site) && !touched.Contains(world.Hub)) continue;
            if (touched?.Contains(site) == true) Ledger(site);
            // What a hub has of a site it has, whatever it has forgotten itself.
            if (!IsInRepair(site)) IsBeginning(world.Hub, atHub[Lane.Site(site.Name).Name], site);
            if (leftOut.Contains(site)) continue;
            if (leftOut.Count > 0) world.Counters.Add("sites compared beside a repair");
            Escrow(site);
            foreach (var copy in Points(site).Values.Where(p => p.Name.StartsWith("hub/", StringComparison.Ordinal))) IsBeginning(site, copy, world.Hub);
        }
    }

    /// <summary>Invariant 1 within a site: stock is what its movements come to, and what is kept for the hub is there.</summary>
    private void Ledger(SimNode site)
    {
        if (IsInRepair(site)) return;
        foreach (var check in new Func<SqlSession, Task<string?>>[] { StockChecks.MovementsAsync, StockChecks.TotalsAsync, StockChecks.GrantsAsync })
            if (Read(site, check) is { } wrong) world.Fail($"{site.Name}: {wrong}");
    }

    /// <summary>Invariant 4: a copy is a beginning of its lane, hash for hash.</summary>
    private void IsBeginning(SimNode at, LanePoint copy, SimNode writer)
    {
        if (!Read(writer, s => Replicas.HasPointAsync(s, copy))) world.Fail($"{at.Name} has of {copy.Name} {copy.Position} events that are not the beginning of what {writer.Name} has written");
    }

    /// <summary>Invariant 2, over both nodes: nobody has promised or shipped what was not given, and nobody has heard what was not said.</summary>
    private void Escrow(SimNode site)
    {
        var books = Read(site, async s => await Books.AtSiteAsync(s)).ToDictionary(b => b.Sku, StringComparer.Ordinal);
        foreach (var view in Read(world.Hub, async s => await Books.AtHubAsync(s, site.Name)))
        {
            var at = $"{view.Sku} at {site.Name}";
            var own = books.GetValueOrDefault(view.Sku) ?? new CounterRow { Epoch = view.Epoch };
            if (view.Granted - view.Returned - view.Promised + view.Released + view.Unheard < 0) world.Fail($"{at}: more is promised than was ever granted ({view})");
            if (view.Epoch != own.Epoch || view.Epoch <= view.ClosedEpoch) continue;
            if (view.Granted > own.Granted || view.Consumed > own.Consumed || view.Withdrawn > own.Withdrawn) world.Fail($"{at}: the hub has heard more than was said ({view}, {own})");
            if (own.Returned > view.Returned) world.Fail($"{at}: the site has back more than the hub returned ({view}, {own})");
            if (own.Consumed > view.Promised - view.Released && own.Consumed > view.Promised - view.Released + LeftAfterAll(site, view.Sku)) world.Fail($"{at}: more has left than was promised ({view}, {own})");
        }
    }

    /// <summary>Units that have left a site which was given up and taken back, though the hub had given them to others: it is yet to hear so.</summary>
    private long LeftAfterAll(SimNode site, string sku)
    {
        var over = Read(world.Hub, async s => await Books.PartsAtHubAsync(s)).Where(p => p.Site == site.Name && (OrderStatus)p.Status is OrderStatus.Short or OrderStatus.Cancelled)
            .Select(p => (p.OrderId, p.Part)).Concat(Read(world.Hub, Books.TransferLinesAsync).Where(t => t.FromSite == site.Name && t.Status == TransferStatus.Cancelled).Select(t => (t.Id, 1))).ToHashSet();
        return Units(Read(site, async s => await Books.PartsAtSiteAsync(s)).Where(p => (FulfillmentStatus)p.Status == FulfillmentStatus.Shipped && over.Contains((p.OrderId, p.Part)))).GetValueOrDefault(sku);
    }

    // ---- each node by itself

    /// <summary>Invariants 1 to 3 within each node that is up: what <c>stowline verify</c> checks, hash chains included.</summary>
    public void Whole()
    {
        Transfers(LeftOut(), atRest: false);
        foreach (var node in world.Nodes.Where(n => n.IsUp && !IsInRepair(n)))
        {
            var report = world.Run(() => Verification.RunAsync(node.Node));
            if (!report.Ok) world.Fail($"{node.Name}: " + string.Join("; ", report.Checks.Where(c => c.Value != "ok").Select(c => $"{c.Key}: {c.Value}")));
        }
    }

    // ---- at rest

    public bool IsEqual() => Difference() is null;

    /// <summary>What keeps the nodes apart; null when each has all of the others.</summary>
    public string? Difference()
    {
        var atHub = Points(world.Hub);
        foreach (var node in world.Nodes)
        {
            if (RepairsOf(node).Count > 0) return $"{node.Name} waits for its repair: {string.Join(", ", RepairsOf(node).Select(r => $"{r.Site} {r.State}"))}; {Standing(node)}";
            if (!node.IsUp || !node.Node.IsDrained) return $"{node.Name} has something to do";
        }
        if (Read(world.Hub, GivenUpSites.AllAsync) is [{ } given, ..]) return $"{given.Site} is given up, {given.State}";
        foreach (var site in world.Sites)
            foreach (var there in Points(site).Values)
                if (atHub[there.Name].Position != there.Position || !atHub[there.Name].Hash.AsSpan().SequenceEqual(there.Hash))
                    return $"{there.Name} has {there.Position} events at {site.Name} and {atHub[there.Name].Position} at the hub";
        return null;
    }

    /// <summary>The lanes that stand still by what a node sees of its links, and why.</summary>
    private static string Standing(SimNode node) => string.Join("; ", node.IsUp
        ? node.Node.Modules.OfType<Link.LinkModule>().Single().States.SelectMany(s => s.Lanes).Where(l => l.Diverged is not null).Select(l => $"{l.Lane} at {l.Position} of {l.Head}: {l.Diverged}") : []);

    /// <summary>Invariants 3 and 5: the hub's view of every site is the site's own books, and every order has ended with each unit accounted for.</summary>
    public void Compare()
    {
        foreach (var site in world.Sites)
        {
            var view = Read(world.Hub, async s => await Books.AtHubAsync(s, site.Name)).Select(v => v with { Promised = 0, Released = 0, Unheard = 0, ClosedEpoch = 0 });
            // What a site expected and never got, or was never granted, only one of them may have a row for.
            static bool IsSomething(CounterRow row) => row != new CounterRow { Sku = row.Sku, Epoch = row.Epoch };
            Same($"counters of {site.Name}", view.Where(IsSomething), Read(site, async s => await Books.AtSiteAsync(s)).Where(IsSomething));
            Same($"bins of {site.Name}", Read(world.Hub, async s => await Books.BinsAsync(s, site.Name, copy: true)), Read(site, async s => await Books.BinsAsync(s, site.Name, copy: false)));
            Same($"tasks of {site.Name}", Read(world.Hub, s => Books.TasksAsync(s, site.Name)), Read(site, s => Books.TasksAsync(s, site.Name)));
            Received(site);
            Erased(site);
        }
        Orders();
        Ended();
        if (Expired() is { } expired) world.Fail(expired);
    }

    private void Same<T>(string what, IEnumerable<T> atHub, IEnumerable<T> atSite)
    {
        var (here, there) = (atHub.ToHashSet(), atSite.ToHashSet());
        if (here.SetEquals(there)) return;
        world.Fail($"{what} differ: the hub has {string.Join(", ", here.Except(there).Take(3))}; the site has {string.Join(", ", there.Except(here).Take(3))}");
    }

    /// <summary>What stood at the gate is booked once, however often it was asked for.</summary>
    private void Received(SimNode site)
    {
        var booked = Read(site, async s => await Books.ReceivedAsync(s)).ToDictionary(r => r.What, StringComparer.Ordinal);
        foreach (var delivery in world.Book.Deliveries.Where(d => d.Site == site.Name))
        {
            var row = booked.GetValueOrDefault(delivery.Reference);
            if (row is null && world.HasForgotten) continue;
            if (row is not { B: 1 } || row.A != delivery.Units) world.Fail($"goods {delivery.Reference} of {delivery.Units} units are booked as {row}");
        }
    }

    /// <summary>Who was erased at the hub is erased everywhere: no site has a key that the hub has erased, nor reads what the hub cannot read.</summary>
    /// <remarks>A site may have a key of which a restored hub knows nothing, given with an older part of the same person. Nothing is sealed with it that has come anywhere.</remarks>
    private void Erased(SimNode site)
    {
        var atHub = Read(world.Hub, async s => await Books.KeysAsync(s)).ToDictionary(k => k.PersonId);
        var atSite = Read(site, async s => await Books.KeysAsync(s)).Where(k => k.Key is not null).ToDictionary(k => k.PersonId);
        foreach (var key in atSite.Values)
            if (atHub.GetValueOrDefault(key.PersonId)?.ErasedKey is { } erased && Personal.Split(key.Key!).Any(k => erased.AsSpan().IndexOf(SHA256.HashData(k)) >= 0)) world.Fail($"{site.Name} has the key of {key.PersonId} that the hub has erased");
        foreach (var part in Read(site, async s => await Books.SealedAsync(s)))
            if (Personal.Decrypt(atSite.GetValueOrDefault(part.PersonId)?.Key, part.Personal!) is not null && Personal.Decrypt(atHub.GetValueOrDefault(part.PersonId)?.Key, part.Personal!) is null)
                world.Fail($"{site.Name} can still read what the hub has erased of {part.PersonId}");
    }

    private void Orders()
    {
        var orders = Read(world.Hub, async s => await Books.OrdersAsync(s)).ToDictionary(o => o.Id);
        if (!world.HasForgotten && world.Book.Placed.Keys.FirstOrDefault(id => !orders.ContainsKey(id)) is var lost && lost != default) world.Fail($"order {lost} was accepted and is lost");
        if (!world.HasForgotten && orders.Values.FirstOrDefault(o => !world.Book.Placed.ContainsKey(o.Id)) is { } more) world.Fail($"order {more.Id} ({more.ExternalId}) exists, and nobody was told so");
        var parts = Read(world.Hub, async s => await Books.PartsAtHubAsync(s)).ToLookup(p => p.OrderId);
        var shipped = world.Sites.SelectMany(site => Read(site, async s => await Books.PartsAtSiteAsync(s))).Where(p => (FulfillmentStatus)p.Status == FulfillmentStatus.Shipped)
            .ToLookup(p => p.OrderId);
        var doubled = Read(world.Hub, async s => await Books.DoubledAsync(s)).ToLookup(d => d.OrderId);
        foreach (var (id, wish) in world.Book.Placed.Where(p => orders.ContainsKey(p.Key))) Order(orders[id], wish, [.. parts[id]], Units(shipped[id]), [.. doubled[id]]);
    }

    /// <summary>Each unit of an order has left, or waits for stock, unless somebody asked to cancel; none has left twice.</summary>
    /// <param name="doubled">What the hub has told of units that two sites had parts of, because it went on without one of them.</param>
    private void Order(OrderEnd order, Wish wish, IReadOnlyList<PartOfOrder> parts, Dictionary<string, long> shipped, IReadOnlyList<DoubledUnits> doubled)
    {
        if (parts.FirstOrDefault(p => (OrderStatus)p.Status is not (OrderStatus.Shipped or OrderStatus.Cancelled or OrderStatus.Short or OrderStatus.Backorder)) is { } open)
            world.Fail($"order {wish.Body.ExternalId}: part {open.Part} at {open.Site} never ended, it is {(OrderStatus)open.Status}");
        var told = Units(parts.Where(p => (OrderStatus)p.Status == OrderStatus.Shipped));
        var waiting = Units(parts.Where(p => (OrderStatus)p.Status == OrderStatus.Backorder));
        foreach (var line in wish.Body.Lines!.GroupBy(l => l!.Sku!))
        {
            var (wanted, left, waits) = (line.Sum(l => l!.Quantity!.Value), shipped.GetValueOrDefault(line.Key), waiting.GetValueOrDefault(line.Key));
            if (left != told.GetValueOrDefault(line.Key)) world.Fail($"order {wish.Body.ExternalId}: {left} {line.Key} have left, the hub knows of {told.GetValueOrDefault(line.Key)}");
            var isWhole = left + waits == wanted || left + waits > wanted && doubled.Count > 0;
            var isTwin = doubled.Any(d => d.IsTwin); // asked back, since somebody has ordered the same again
            if (!isWhole && (left + waits > wanted || !wish.MayBeCancelled && !isTwin))
                world.Fail($"order {wish.Body.ExternalId} wants {wanted} {line.Key}: {left} have left, {waits} wait for stock ({(OrderStatus)order.Status})");
        }
    }

    private static Dictionary<string, long> Units(IEnumerable<PartOfOrder> parts) =>
        parts.SelectMany(p => JsonSerializer.Deserialize(p.Lines, ContractsJson.Default.ListSkuUnits) ?? []).GroupBy(u => u.Sku, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Sum(u => (long)u.Quantity), StringComparer.Ordinal);

    public void Dispose()
    {
        foreach (var session in _sessions.Values) world.Run(async () =>
        {
            await session.DisposeAsync();
            return true;
        });
    }
}
