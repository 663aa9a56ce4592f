using Stowline.Kernel;
using Stowline.Site.Stock;
using Stowline.Site.Topology;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// Goal: whatever is done to stock, in whatever order, units are conserved and the grants stay inside what is there.
/// Method: random sequences from a seed against a model that knows only the sums; the node verifies itself as it goes.
public sealed class StockPropertyTests
{
    private static readonly string[] Skus = ["A", "B"];
    private static readonly string[] Bins = ["A-1", "A-2", "RECEIVING"];

    /// <summary>Always the same dozen, so that a failure is one for everybody; the first three are those that were always run.</summary>
    private static readonly int[] Seeds = [1, 2, 3, 17, 101, 404, 1009, 2718, 3141, 16180, 65537, 271828];

    [Theory, EveryDatabase]
    public async Task Any_sequence_of_commands_keeps_the_books(string store)
    {
        var done = new Dictionary<string, int>();
        foreach (var seed in Seeds)
        {
            await using var site = await SiteOnTest.StartAsync(store, seed);
            await site.ZoneAsync("S", ZoneType.Storage);
            await site.BinsAsync("S", "A-1", "A-2");
            var run = new Run(site, new Random(seed));
            for (var step = 1; step <= 150; step++)
            {
                try
                {
                    await run.StepAsync();
                    if (step % 10 == 0) await run.CheckAsync();
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException($"seed {seed}, step {step}: {e.Message}", e);
                }
            }
            foreach (var (what, times) in run.Done) done[what] = done.GetValueOrDefault(what) + times;
        }
        Assert.True(done.Values.All(n => n > 0), "no seed ever did: " + string.Join(", ", done.Where(d => d.Value == 0).Select(d => d.Key)));
    }

    private sealed class Run(SiteOnTest site, Random random)
    {
        private readonly Dictionary<string, long> _onHand = Skus.ToDictionary(s => s, _ => 0L);
        private readonly Dictionary<string, long> _shipped = Skus.ToDictionary(s => s, _ => 0L);
        private readonly List<StockUnits> _reserved = [];
        private readonly List<StockUnits> _staged = [];
        private readonly List<StockUnits> _released = [];
        public Dictionary<string, int> Done { get; } = [];

        private string Sku => Skus[random.Next(Skus.Length)];
        private string Bin => Bins[random.Next(Bins.Length)];

        public async Task StepAsync()
        {
            site.Node.Time.Advance(TimeSpan.FromSeconds(random.Next(5)));
            var (sku, bin, units) = (Sku, Bin, random.Next(1, 9));
            switch (random.Next(14))
            {
                case 0 or 1: Count("receive", await site.ReceiveAsync(sku, units, bin), () => _onHand[sku] += units); break;
                case 2: Count("move", await site.MoveAsync(sku, units, bin, Bin), () => { }); break;
                case 3: Count("adjust up", await site.AdjustAsync(sku, bin, units), () => _onHand[sku] += units); break;
                case 4: Count("adjust down", await site.AdjustAsync(sku, bin, -units), () => _onHand[sku] -= units); break;
                case 5: Count("damage", await site.DamageAsync(sku, bin, random.Next(1, 3)), () => { }); break;
                case 6: Count("dispose", await site.DisposeOfAsync(sku, bin, 1), () => _onHand[sku]--); break;
                case 7 or 8: await AllocateAsync(sku, units); break;
                case 9: await PickAsync(); break;
                case 10: await ShipAsync(); break;
                case 11: await CancelAsync(); break;
                case 12: await PutBackOrShortAsync(); break;
                default: Count("lock", await site.LockAsync(bin, random.Next(3) == 0 ? "why not" : null), () => { }); break;
            }
        }

        private void Count<T>(string what, Outcome<T> outcome, Action then)
        {
            Done[what] = Done.GetValueOrDefault(what) + (outcome.IsOk ? 1 : 0);
            if (outcome.IsOk) then();
        }

        private async Task AllocateAsync(string sku, int units)
        {
            var found = await site.AllocateAsync(new StockRequest(0, sku, units));
            Assert.True(found.Sum(a => a.Quantity) <= units);
            _reserved.AddRange(found.Select(a => new StockUnits(a.Sku, a.Bin, a.Lot, a.Quantity)));
            Done["allocate"] = Done.GetValueOrDefault("allocate") + found.Count;
        }

        private StockUnits? Take(List<StockUnits> from)
        {
            if (from.Count == 0) return null;
            var at = random.Next(from.Count);
            var taken = from[at];
            from.RemoveAt(at);
            return taken;
        }

        private async Task PickAsync()
        {
            if (Take(_reserved) is not { } units) return;
            await site.BookAsync(tx => StockBook.PickAsync(tx, "WH1", units, "order"), units.Sku);
            _staged.Add(units with { Bin = "STAGING" });
            Done["pick"] = Done.GetValueOrDefault("pick") + 1;
        }

        private async Task ShipAsync()
        {
            if (Take(_staged) is not { } units) return;
            await site.BookAsync(tx => StockBook.ShipAsync(tx, "WH1", [units], "order"), units.Sku);
            _onHand[units.Sku] -= units.Quantity;
            _shipped[units.Sku] += units.Quantity;
            Done["ship"] = Done.GetValueOrDefault("ship") + 1;
        }

        private async Task CancelAsync()
        {
            if (random.Next(2) == 0 && Take(_staged) is { } picked)
            {
                await site.BookAsync(tx => StockBook.ReleaseStagedAsync(tx, "WH1", [picked]), picked.Sku);
                _released.Add(picked);
            }
            else if (Take(_reserved) is { } waiting) await site.BookAsync(tx => StockBook.UnreserveAsync(tx, "WH1", [waiting]), waiting.Sku);
        }

        private async Task PutBackOrShortAsync()
        {
            if (Take(_released) is { } back) await site.BookAsync(tx => StockBook.PutBackAsync(tx, "WH1", [(back, Bin)], "task"), back.Sku);
            else if (Take(_reserved) is { } missing) await site.BookAsync(tx => StockBook.BlockForCountAsync(tx, "WH1", [missing]), missing.Sku);
        }

        public async Task CheckAsync()
        {
            await site.VerifyAsync();
            foreach (var sku in Skus)
            {
                var books = await site.BooksAsync(sku);
                var rows = await site.RowsAsync(sku);
                Assert.Equal(_onHand[sku], books.OnHand);
                Assert.Equal(_shipped[sku], books.Consumed);
                Assert.Equal(_reserved.Concat(_staged).Where(u => u.Sku == sku).Sum(u => (long)u.Quantity), books.Reserved);
                Assert.Equal(rows.Sum(r => r.OnHand), books.OnHand);
                Assert.Equal(books.Usable, books.Held); // nothing is kept by default: all usable units are the hub's
                Assert.All(rows, r => Assert.True(r.Available >= 0 && r.OnHand > 0));
            }
        }
    }
}
