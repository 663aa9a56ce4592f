using Stowline.Site.Stock;
using Stowline.Site.Topology;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// Goal: whatever is done, each row's receipts are those of its units, and each request gets the oldest that are free. Method: random sequences from a seed on a node and on a model in which every
/// unit is an entry of its own, with its age; the order of requests is found there by sorting units.
public sealed class StockLayersPropertyTests
{
    private static readonly string[] Bins = ["B1", "B2", "RECEIVING"];
    private const string Staging = "STAGING";

    [Theory, EveryDatabase]
    public async Task Rows_hold_the_receipts_of_their_units_whatever_is_done(string store)
    {
        for (var seed = 1; seed <= 3; seed++)
        {
            await using var site = await StartAsync(store, seed);
            var run = new Run(site, new Random(seed));
            for (var step = 1; step <= 160; step++)
            {
                await run.StepAsync();
                await run.CheckAsync($"seed {seed}, step {step}");
            }
            await site.VerifyAsync();
            Assert.True(run.MostReceipts > 2, $"seed {seed} never had a row with several receipts");
        }
    }

    /// Requests that are decided together get what they would have got one by one, also when rows have several receipts.
    [Theory, EveryDatabase]
    public async Task Requests_decided_together_get_what_they_get_one_by_one(string store)
    {
        await using var together = await StartAsync(store, 7);
        await using var single = await StartAsync(store, 7);
        StockRequest[] requests = [.. Enumerable.Range(0, 12).Select(i => new StockRequest(i, "A", 1 + i * 5 % 7))];
        foreach (var site in new[] { together, single })
        {
            for (var day = 0; day < 12; day++)
            {
                site.Node.Time.Advance(TimeSpan.FromDays(1));
                await site.ReceiveAsync("A", 4, Bins[day * 2 % 3]);
            }
        }
        var found = await together.AllocateAsync(requests);
        var one = new List<Allocation>();
        foreach (var request in requests) one.AddRange(await single.AllocateAsync(request));
        Assert.Equal(one, found);
        Assert.Equal(await single.RowsAsync(), await together.RowsAsync());
    }

    private static async Task<SiteOnTest> StartAsync(string store, int seed)
    {
        var site = await SiteOnTest.StartAsync(store, seed);
        await site.ZoneAsync("S", ZoneType.Storage);
        await site.BinsAsync("S", "B1", "B2");
        return site;
    }

    private sealed class Row
    {
        /// <summary>The age of every unit.</summary>
        public List<DateTimeOffset> Units { get; } = [];
        public int Reserved { get; set; }
        public int Damaged { get; set; }
        public int Blocked { get; set; }
        public int Available => Units.Count - Reserved - Damaged - Blocked;

        public List<DateTimeOffset> Take(int units)
        {
            Units.Sort();
            var taken = Units[..units];
            Units.RemoveRange(0, units);
            return taken;
        }
    }

    private sealed class Run(SiteOnTest site, Random random)
    {
        private readonly Dictionary<string, Row> _rows = Bins.Append(Staging).ToDictionary(b => b, _ => new Row());
        private readonly List<StockUnits> _reserved = [];
        private readonly List<StockUnits> _staged = [];

        public int MostReceipts { get; private set; }

        private DateTimeOffset Now => site.Node.Time.GetUtcNow();

        public async Task StepAsync()
        {
            site.Node.Time.Advance(TimeSpan.FromSeconds(random.Next(3)));
            var (bin, units) = (Bins[random.Next(Bins.Length)], random.Next(1, 7));
            var row = _rows[bin];
            switch (random.Next(12))
            {
                case 0 or 1 or 2:
                    await site.ReceiveAsync("A", units, bin);
                    row.Units.AddRange(Enumerable.Repeat(Now, units));
                    break;
                case 3 or 4: await MoveAsync(bin, Bins[random.Next(Bins.Length)], units); break;
                case 5: await CountAsync(bin, row); break;
                case 6: await DamageAsync(bin, row, units); break;
                case 7 or 8: await AllocateAsync(units * 2); break;
                case 9: await PickAsync(); break;
                case 10: await ShipOrPutBackAsync(bin); break;
                default: await GiveUpAsync(); break;
            }
        }

        private async Task MoveAsync(string from, string to, int units)
        {
            if (!(await site.MoveAsync("A", units, from, to)).IsOk) return;
            _rows[to].Units.AddRange(_rows[from].Take(units));
        }

        private async Task CountAsync(string bin, Row row)
        {
            var (expected, counted) = (row.Units.Count, Math.Max(row.Reserved + row.Damaged, row.Units.Count + random.Next(-3, 3)));
            Assert.True((await site.CountAsync("A", bin, expected, counted)).IsOk);
            if (counted > expected) row.Units.AddRange(Enumerable.Repeat(Now, counted - expected));
            else row.Take(expected - counted);
            row.Blocked = 0;
        }

        private async Task DamageAsync(string bin, Row row, int units)
        {
            if ((await site.DamageAsync("A", bin, units)).IsOk) row.Damaged += units;
            var gone = random.Next(1, 4);
            if (!(await site.DisposeOfAsync("A", bin, gone)).IsOk) return;
            row.Damaged -= gone;
            row.Take(gone);
        }

        /// The oldest units that are free, wherever they are: reserved ones are the oldest of their row.
        private async Task AllocateAsync(int units)
        {
            var free = new List<(DateTimeOffset Age, string Bin)>();
            foreach (var (bin, row) in _rows.Where(r => r.Key != Staging))
            {
                row.Units.Sort();
                free.AddRange(row.Units.Skip(row.Reserved).Take(row.Available).Select(age => (age, bin)));
            }
            var expected = free.OrderBy(f => f.Age).ThenBy(f => f.Bin, StringComparer.Ordinal).Take(units).GroupBy(f => f.Bin).Select(g => (g.Key, g.Count())).ToList();
            var found = await site.AllocateAsync(new StockRequest(0, "A", units));
            Assert.Equal(expected, found.Select(a => (a.Bin, a.Quantity)));
            foreach (var (bin, taken) in expected)
            {
                _rows[bin].Reserved += taken;
                _reserved.Add(new StockUnits("A", bin, null, taken));
            }
        }

        private StockUnits? Any(List<StockUnits> from)
        {
            if (from.Count == 0) return null;
            var taken = from[random.Next(from.Count)];
            from.Remove(taken);
            return taken;
        }

        private async Task PickAsync()
        {
            if (Any(_reserved) is not { } units) return;
            if (random.Next(2) == 0 && units.Quantity > 1)
            {
                _reserved.Add(units with { Quantity = units.Quantity - 1 });
                units = units with { Quantity = 1 };
            }
            await site.BookAsync(tx => StockBook.PickAsync(tx, "WH1", units, "order"));
            _rows[Staging].Units.AddRange(_rows[units.Bin].Take(units.Quantity));
            _rows[units.Bin].Reserved -= units.Quantity;
            _rows[Staging].Reserved += units.Quantity;
            _staged.Add(units with { Bin = Staging });
        }

        private async Task ShipOrPutBackAsync(string bin)
        {
            if (Any(_staged) is not { } units) return;
            _rows[Staging].Reserved -= units.Quantity;
            if (random.Next(2) == 0)
            {
                await site.BookAsync(tx => StockBook.ShipAsync(tx, "WH1", [units], "order"));
                _rows[Staging].Take(units.Quantity);
                return;
            }
            await site.BookAsync(tx => StockBook.ReleaseStagedAsync(tx, "WH1", [units]));
            await site.BookAsync(tx => StockBook.PutBackAsync(tx, "WH1", [(units, bin)], "task"));
            _rows[bin].Units.AddRange(_rows[Staging].Take(units.Quantity));
        }

        /// A part is cancelled before it was picked, or its units were not found.
        private async Task GiveUpAsync()
        {
            if (Any(_reserved) is not { } units) return;
            var row = _rows[units.Bin];
            row.Reserved -= units.Quantity;
            if (random.Next(3) > 0)
            {
                await site.BookAsync(tx => StockBook.UnreserveAsync(tx, "WH1", [units]));
                return;
            }
            await site.BookAsync(tx => StockBook.BlockForCountAsync(tx, "WH1", [units]));
            row.Blocked += row.Available;
        }

        private sealed record Stored
        {
            public string Bin { get; init; } = "";
            public long OnHand { get; init; }
            public DateTimeOffset ReceivedAt { get; init; }
            public string? Newer { get; init; }
        }

        public async Task CheckAsync(string at)
        {
            var stored = await site.Node.Database.ReadAsync(async s => await s.QueryAsync<Stored>("SELECT bin, on_hand, received_at, newer FROM stock ORDER BY bin"));
            var there = stored.Select(r =>
            {
                var newer = ReceiptLayer.Read(r.Newer) ?? [];
                return (r.Bin, string.Join(' ', newer.Prepend(new ReceiptLayer(r.ReceivedAt, r.OnHand - newer.Sum(l => l.Units)))));
            });
            var model = _rows.Where(r => r.Value.Units.Count > 0).OrderBy(r => r.Key, StringComparer.Ordinal)
                .Select(r => (Bin: r.Key, Layers: r.Value.Units.GroupBy(u => u).OrderBy(g => g.Key).Select(g => new ReceiptLayer(g.Key, g.Count())).ToList())).ToList();
            MostReceipts = Math.Max(MostReceipts, model.Select(r => r.Layers.Count).DefaultIfEmpty().Max());
            Assert.True(model.Select(r => (r.Bin, string.Join(' ', r.Layers))).SequenceEqual(there), $"{at}: {string.Join("; ", model.Select(r => (r.Bin, string.Join(' ', r.Layers))))} in the model, {string.Join("; ", there)} in the table");
        }
    }
}
