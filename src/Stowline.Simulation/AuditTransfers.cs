using Stowline.Hub.Transfers;

namespace Stowline.Simulation;

/// <summary>Conservation between the sites: what has left one and what has reached the other, in the books of all three.</summary>
internal sealed partial class Audit
{
    /// <summary>The hub knows of no unit that a site has not shipped or taken in; at rest it knows of all.</summary>
    /// <param name="leftOut">Sites whose books are not compared now.</param>
    private void Transfers(HashSet<SimNode> leftOut, bool atRest)
    {
        var lines = Read(world.Hub, Books.TransferLinesAsync);
        if (lines.Count == 0) return;
        var shipped = new Dictionary<(Guid, string), long>();
        var received = new Dictionary<(string, long, string), long>();
        foreach (var site in world.Sites)
        {
            foreach (var sent in Read(site, Books.SentAsync)) shipped[(sent.OrderId, sent.Sku)] = shipped.GetValueOrDefault((sent.OrderId, sent.Sku)) + sent.Units;
            foreach (var came in Read(site, Books.ArrivedAsync)) received[(site.Name, came.Number, came.Sku)] = came.Units;
        }
        var isCompared = world.Sites.Where(s => !leftOut.Contains(s)).Select(s => s.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var line in lines)
        {
            var (left, came) = (shipped.GetValueOrDefault((line.Id, line.Sku)), received.GetValueOrDefault((line.ToSite, line.Number, line.Sku)));
            var books = $"transfer {line.Number} from {line.FromSite} to {line.ToSite}: of {line.Requested} {line.Sku} {line.Shipped} have left and {line.Received} were taken in by the hub's books, {left} and {came} by the sites'";
            if (line.Shipped > left && isCompared.Contains(line.FromSite) || line.Received > came && isCompared.Contains(line.ToSite)) world.Fail(books);
            if (!atRest) continue;
            if (line.Shipped != left || line.Received != came) world.Fail(books);
            if (TransferLifecycle.IsOpen(line.Status) || line.Status == TransferStatus.InTransit) world.Fail($"transfer {line.Number} never ended, it is {line.Status}");
            if (line.Short + line.Shipped != line.Requested) world.Fail($"{books}; {line.Short} are short");
        }
    }

    /// <summary>At rest: what people brought in is booked once, nothing is on its way, and nothing is promised out of pools.</summary>
    private void Ended()
    {
        Transfers([], atRest: true);
        foreach (var site in world.Sites)
        {
            var (booked, ledger) = (Read(site, Books.ArrivedAsync), Read(site, Books.ReceivedAsync).ToDictionary(r => r.What, r => r.A, StringComparer.Ordinal));
            foreach (var transfer in booked.GroupBy(b => b.Number))
                if (ledger.GetValueOrDefault($"transfer {transfer.Key}") is var units && units != transfer.Sum(b => b.Units))
                    world.Fail($"{site.Name} took in {transfer.Sum(b => b.Units)} units of transfer {transfer.Key}, its ledger {units}");
            if (!world.HasForgotten) Unloaded(site, booked);
        }
        if (Read(world.Hub, Books.LeftOverAsync) is { } left) world.Fail(left);
        var known = Read(world.Hub, Books.TransferLinesAsync).Select(t => t.Id).ToHashSet();
        if (world.HasForgotten) return;
        if (world.Book.Transfers.Find(id => !known.Contains(id)) is var lost && lost != default) world.Fail($"transfer {lost} was accepted and is lost");
        if (world.Counters["transfers unknown"] > 0) world.Fail("a site took goods in of a transfer that the hub does not know");
    }

    private void Unloaded(SimNode site, IReadOnlyList<ArrivedRow> booked)
    {
        foreach (var truck in world.Book.Trucks.Values.Where(t => t.Site == site.Name))
            foreach (var (sku, units) in truck.Booked)
                if (booked.FirstOrDefault(b => b.Number == truck.Number && b.Sku == sku)?.Units is var there && there != units)
                    world.Fail($"{units} {sku} of transfer {truck.Number} were unloaded at {site.Name}, {there ?? 0} are booked");
    }

    /// <summary>Lots that have expired by their site's clock, and that customers may still get.</summary>
    public string? Expired()
    {
        foreach (var site in world.Sites)
        {
            var today = DateOnly.FromDateTime(site.Clock.GetUtcNow().UtcDateTime);
            if (Read(site, s => Books.ExpiredAsync(s, today)) is [var row, ..]) return $"{row.A} of {row.What} have expired at {site.Name} and were not set aside";
        }
        return null;
    }
}
