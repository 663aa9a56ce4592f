using System.Globalization;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Shipping;

namespace Stowline.Server.Retail;

/// <summary>
/// A simulated worker who takes one part of an order from the shelf to the van, from wherever it stands. A command for each of the three
/// jobs – picking, packing, shipping –, each of them the same steps that a person's screen would send, in one transaction: a part is never
/// found half picked, and a day's orders travel in few groups.
/// </summary>
internal sealed class RetailWorker(NodeCalls calls)
{
    public const string Carrier = "PARCEL";

    /// <summary>Units in a box of the made-up packages: the file knows no sizes.</summary>
    private const int UnitsPerBox = 400;
    private const int MostBoxes = 20;
    private const int GramsPerUnit = 60;

    public async Task WorkOffAsync(Guid order, int part, string site, string name, string what, CancellationToken ct)
    {
        var (lane, caller) = (Lane.Site(site), new Caller(name));
        if (await calls.DoAsync<bool>($"picking of {what}", lane, caller, tx => PickAsync(site, order, part, name, tx), hops: 0, ct) is false)
        {
            // The site has not taken the part over yet: after a kill its consumers may have much to catch up with.
            await calls.DrainAsync(ct);
            if (await calls.DoAsync<bool>($"picking of {what}", lane, caller, tx => PickAsync(site, order, part, name, tx), hops: 0, ct) is false) return;
        }
        await calls.DoAsync<Done>($"packing of {what}", lane, caller, tx => PackAsync(site, order, part, name, tx), hops: 0, ct);
        await calls.DoAsync<Done>($"shipping of {what}", lane, caller, tx => ShipAsync(site, order, part, tx), hops: 0, ct);
    }

    /// <returns>False where there is no picking task: it is not made yet, or nothing could be reserved.</returns>
    private static async ValueTask<Outcome<bool>> PickAsync(string site, Guid order, int part, string name, LaneTransaction tx)
    {
        if (await PartWork.PickingAsync(tx, order, part) is not { } work) return false;
        var task = work.Task;
        switch (task.Status)
        {
            case PickingStatus.Completed or PickingStatus.Cancelled: return true;
            case PickingStatus.Pending or PickingStatus.Assigned or PickingStatus.InProgress: break;
        }
        // Checked before the first step writes: what is refused must not leave half a job.
        if (task.OnHold) return Refusal.Conflict("order_on_hold", $"order {task.OrderNumber} is on hold");
        if (task.Status == PickingStatus.Pending && (await AssignPicking.DecideAsync(site, task.Id, name, tx)).Refusal is { } unassigned) return unassigned;
        if (task.Status != PickingStatus.InProgress && (await StartPicking.DecideAsync(site, task.Id, tx)).Refusal is { } unstarted) return unstarted;
        PickEntryBody[] left =
        [
            .. work.Items.Where(i => i.Status == PickingItemStatus.Pending && i.Remaining > 0)
                .Select(i => new PickEntryBody { Item = i.Item.ToString(CultureInfo.InvariantCulture), Quantity = i.Remaining, Bin = i.Bin }),
        ];
        if (left.Length > 0 && (await PickItem.DecideAsync(site, task.Id, new PickItemsBody { Items = left }, tx)).Refusal is { } unpicked) return unpicked;
        return (await CompletePicking.DecideAsync(site, task.Id, tx)).Map(_ => true);
    }

    private static async ValueTask<Outcome<Done>> PackAsync(string site, Guid order, int part, string name, LaneTransaction tx)
    {
        if (await PartWork.PackingAsync(tx, order, part) is not { } work) return new Done();
        var task = work.Task;
        switch (task.Status)
        {
            case PackingStatus.Packed or PackingStatus.Shipped or PackingStatus.Cancelled: return new Done();
            case PackingStatus.Pending or PackingStatus.InProgress: break;
        }
        if (task.OnHold) return Refusal.Conflict("order_on_hold", $"order {task.OrderNumber} is on hold");
        if (task.Status == PackingStatus.Pending && (await StartPacking.DecideAsync(site, task.Id, name, tx)).Refusal is { } unstarted) return unstarted;
        if (work.Packages.Count == 0)
        {
            foreach (var box in Boxes(work.Staged.Sum(u => (long)u.Quantity)))
                if ((await AddPackage.DecideAsync(site, task.Id, box, tx)).Refusal is { } unpacked) return unpacked;
        }
        return (await CompletePacking.DecideAsync(site, task.Id, tx)).Map(_ => new Done());
    }

    private static IEnumerable<AddPackageBody> Boxes(long units)
    {
        var boxes = (int)Math.Clamp((units + UnitsPerBox - 1) / UnitsPerBox, 1, MostBoxes);
        var weight = Math.Clamp(units * GramsPerUnit / boxes, 100, AddPackage.MaxWeightG);
        for (var i = 0; i < boxes; i++)
            yield return new AddPackageBody { PackagingType = boxes == MostBoxes ? "pallet" : "box", WeightG = weight, LengthMm = 600, WidthMm = 400, HeightMm = 300 };
    }

    private static async ValueTask<Outcome<Done>> ShipAsync(string site, Guid order, int part, LaneTransaction tx)
    {
        if (await PartWork.PackingAsync(tx, order, part) is not { } work || work.Task.Status != PackingStatus.Packed) return new Done();
        return (await ShipPacking.DecideAsync(site, work.Task.Id, new ShipPackingBody { Carrier = Carrier }, tx)).Map(_ => new Done());
    }
}
