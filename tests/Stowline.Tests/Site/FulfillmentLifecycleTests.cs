using Stowline.Site.Fulfillment;

namespace Stowline.Tests.Site;

/// Goal: the state tables are exactly sources/2 §4. Method: every (state, action) pair against the rules as they are written there.
public sealed class FulfillmentLifecycleTests
{
    [Fact]
    public void Picking_follows_its_table_and_nothing_else()
    {
        foreach (var from in Enum.GetValues<PickingStatus>())
        foreach (var action in Enum.GetValues<PickingAction>())
        {
            var right = action switch
            {
                PickingAction.Assign => from == PickingStatus.Pending,
                PickingAction.Start => from == PickingStatus.Assigned,
                PickingAction.Complete => from == PickingStatus.InProgress,
                PickingAction.Cancel => from is PickingStatus.Pending or PickingStatus.Assigned or PickingStatus.InProgress,
            };
            var expected = right ? Transition.Go : from == PickingLifecycle.Target(action) ? Transition.AlreadyThere : Transition.Wrong;
            Assert.Equal((from, action, expected), (from, action, PickingLifecycle.Check(from, action)));
        }
    }

    [Fact]
    public void Packing_follows_its_table_and_nothing_else()
    {
        foreach (var from in Enum.GetValues<PackingStatus>())
        foreach (var action in Enum.GetValues<PackingAction>())
        {
            var right = action switch
            {
                PackingAction.Start => from == PackingStatus.Pending,
                PackingAction.AddPackage or PackingAction.Complete => from == PackingStatus.InProgress,
                PackingAction.Ship => from == PackingStatus.Packed,
                PackingAction.Cancel => from is not (PackingStatus.Shipped or PackingStatus.Cancelled),
            };
            var expected = right ? Transition.Go
                : action != PackingAction.AddPackage && from == PackingLifecycle.Target(action) ? Transition.AlreadyThere : Transition.Wrong;
            Assert.Equal((from, action, expected), (from, action, PackingLifecycle.Check(from, action)));
        }
    }

    [Fact]
    public void An_item_is_decided_once()
    {
        foreach (var from in Enum.GetValues<PickingItemStatus>())
        foreach (var action in Enum.GetValues<PickingItemAction>())
        {
            var repeat = (from, action) is (PickingItemStatus.Skipped, PickingItemAction.Skip) or (PickingItemStatus.Short, PickingItemAction.RunShort);
            var expected = from == PickingItemStatus.Pending ? Transition.Go : repeat ? Transition.AlreadyThere : Transition.Wrong;
            Assert.Equal((from, action, expected), (from, action, PickingItemLifecycle.Check(from, action)));
        }
    }

    [Fact]
    public void Every_end_is_an_end()
    {
        Assert.Empty(PickingLifecycle.Allowed(PickingStatus.Completed));
        Assert.Empty(PickingLifecycle.Allowed(PickingStatus.Cancelled));
        Assert.Empty(PackingLifecycle.Allowed(PackingStatus.Shipped));
        Assert.Empty(PackingLifecycle.Allowed(PackingStatus.Cancelled));
    }
}
