using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;

namespace Stowline.Server.Demo;

/// <summary>
/// The single steps of a picker and a packer, the same that a person's screen sends. Each looks at the task inside its command and does what
/// comes next; the answer is how many seconds that takes, null when the task needs nobody any more.
/// </summary>
internal sealed class DemoSteps(DemoPlace place, DemoDice dice)
{
    private const double MissingShare = 0.006;
    private static readonly Dictionary<string, Product> Products = DemoCatalog.Products.ToDictionary(p => p.Sku, p => p.Product, StringComparer.Ordinal);

    private sealed record Carton(string Type, int Length, int Width, int Height, int Grams)
    {
        public long Volume => (long)Length * Width * Height;
    }

    private static readonly Carton[] Cartons =
    [
        new("envelope", 350, 250, 30, 40), new("box", 250, 200, 100, 120), new("box", 350, 250, 150, 200), new("box", 450, 350, 250, 380), new("box", 600, 400, 400, 650),
        new("pallet", 1200, 800, 1000, 22_000),
    ];

    public async ValueTask<Outcome<double?>> PickAsync(OpenTask open, string who, LaneTransaction tx)
    {
        if (await PartWork.PickingAsync(tx, open.OrderId, open.Part) is not { } work || work.Task.Id != open.Id || work.Task.OnHold) return (double?)null;
        var task = work.Task;
        switch (task.Status)
        {
            case PickingStatus.Pending: return Took(await AssignPicking.DecideAsync(place.Code, task.Id, who, tx), 0.2 + dice.Throw(DemoDice.For.Pick, task.Number) * 0.6);
            case PickingStatus.Assigned: return Took(await StartPicking.DecideAsync(place.Code, task.Id, tx), Walk(task.Number, 0));
            case PickingStatus.InProgress: break;
            case PickingStatus.Completed or PickingStatus.Cancelled: return (double?)null;
        }
        if (work.Items.Where(i => i.Status == PickingItemStatus.Pending && i.Remaining > 0).MinBy(i => i.Sequence) is not { } item)
        {
            var done = await CompletePicking.DecideAsync(place.Code, task.Id, tx);
            // Where other bins gave units for what was short, there is more to pick.
            return done.Refusal is { } no ? no : done.Value.Status == PickingStatus.InProgress ? Walk(task.Number, 99) : (double?)null;
        }
        var seconds = Walk(task.Number, item.Sequence + 1);
        if (dice.Throw(DemoDice.For.Missing, task.Number, item.Item) < MissingShare)
            return Took(await SkipItem.DecideAsync(place.Code, task.Id, item.Item, "not in its bin", tx), seconds);
        return Took(await PickItem.DecideAsync(place.Code, task.Id, item.Item, new PickItemBody { Quantity = item.Remaining, Bin = item.Bin }, tx), seconds);
    }

    /// <summary>From bin to bin: half a minute on the floor, a second or so here.</summary>
    private double Walk(long task, int leg) => 0.4 + dice.Throw(DemoDice.For.Pick, task, leg + 1) * 1.1;

    public async ValueTask<Outcome<double?>> PackAsync(OpenTask open, string who, LaneTransaction tx)
    {
        if (await PartWork.PackingAsync(tx, open.OrderId, open.Part) is not { } work || work.Task.Id != open.Id || work.Task.OnHold) return (double?)null;
        var task = work.Task;
        switch (task.Status)
        {
            case PackingStatus.Pending: return Took(await StartPacking.DecideAsync(place.Code, task.Id, who, tx), 0.8 + dice.Throw(DemoDice.For.Pack, task.Number) * 1.6);
            case PackingStatus.InProgress: break;
            case PackingStatus.Packed or PackingStatus.Shipped or PackingStatus.Cancelled: return (double?)null;
        }
        if (work.Packages.Count == 0 && (await AddPackage.DecideAsync(place.Code, task.Id, Package(work), tx)).Refusal is { } unpacked) return unpacked;
        return (await CompletePacking.DecideAsync(place.Code, task.Id, tx)).Map(_ => (double?)null);
    }

    /// <summary>The smallest carton that takes the volume with some paper around it, and what all of it weighs.</summary>
    private static AddPackageBody Package(LoadedPacking work)
    {
        long volume = 0, grams = 0;
        foreach (var (sku, units) in work.Picked)
        {
            if (!Products.TryGetValue(sku, out var product)) continue;
            volume += (long)(product.LengthMm ?? 100) * (product.WidthMm ?? 100) * (product.HeightMm ?? 100) * units;
            grams += (long)(product.WeightG ?? 200) * units;
        }
        var carton = Array.Find(Cartons, c => c.Volume >= volume * 5 / 4) ?? Cartons[^1];
        return new AddPackageBody
        {
            PackagingType = carton.Type, WeightG = Math.Min(grams + carton.Grams, AddPackage.MaxWeightG), LengthMm = carton.Length, WidthMm = carton.Width, HeightMm = carton.Height,
            Lines = [.. work.Picked.Select(p => new PackageLineBody { Sku = p.Key, Quantity = p.Value })],
        };
    }

    private static Outcome<double?> Took<T>(Outcome<T> outcome, double seconds) => outcome.Map(_ => (double?)seconds);
}
