using Stowline.Server.Retail;

namespace Stowline.Tests.Retail;

/// Goal: every product has a bin of its own, always the same, and what is ordered often is near. Method: a floor of two aisles.
public sealed class RetailFloorTests
{
    private static List<RetailProduct> Products(int count) => [.. Enumerable.Range(0, count).Select(i => new RetailProduct($"{10_000 + i}", "THING", 10_000, i))];

    [Fact]
    public void Every_product_has_a_bin_of_its_own_and_every_run_the_same()
    {
        var products = Products(200);
        var homes = RetailFloor.Homes(products);
        Assert.Equal(200, homes.Values.Distinct().Count());
        Assert.Subset(RetailFloor.Bins(200).Select(b => b.Code).ToHashSet(), homes.Values.ToHashSet());
        Assert.Equal(homes, RetailFloor.Homes([.. products.AsEnumerable().Reverse()]));
    }

    [Fact]
    public void The_most_ordered_product_is_the_nearest_at_hands_height()
    {
        var homes = RetailFloor.Homes(Products(200));
        Assert.Equal("A01-01-2", homes["10199"]);
        var far = RetailFloor.Bins(200).Single(b => b.Code == homes["10000"]);
        Assert.True(far.XM + far.YM > 20);
    }

    [Fact]
    public void A_floor_is_as_large_as_it_must_be()
    {
        Assert.Empty(RetailFloor.Bins(0));
        Assert.Equal(160, RetailFloor.Bins(160).Count);
        Assert.Equal(320, RetailFloor.Bins(161).Count);
    }
}
