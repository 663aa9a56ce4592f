namespace Stowline.Site.Stock;

/// <summary>The address of a stock row. No lot is the empty text.</summary>
internal readonly record struct RowKey(string Sku, string Bin, string Lot);

/// <summary>One row of stock in memory, with what it was when it was read. Units of each kind lie inside <see cref="OnHand"/>.</summary>
internal sealed class StockRow(RowKey key)
{
    public RowKey Key => key;
    public long OnHand { get; set; }
    public long Reserved { get; set; }
    public long Damaged { get; set; }
    public long Blocked { get; set; }
    public bool Pickable { get; set; }
    public string BinOrder { get; set; } = "";

    /// <summary>The oldest receipt still in the row: its FIFO age. Null while the row is empty.</summary>
    public DateTimeOffset? ReceivedAt { get; set; }
    public DateOnly? ExpiresOn { get; set; }
    public DateOnly? ManufacturedOn { get; set; }

    /// <summary>Pickable and BinOrder are known: from the row itself, or from its bin.</summary>
    public bool IsPlaced { get; set; }

    public long Available => OnHand - Reserved - Damaged - Blocked;

    /// <summary>
    /// Units that no customer can get now. A reservation outlives a lock, because its picking task still goes there, and staged units are
    /// reserved by definition; so reserved units count as usable in every bin.
    /// </summary>
    public long Unusable => Pickable ? Damaged + Blocked : OnHand - Reserved;

    public bool Existed { get; private set; }
    public bool Touched { get; set; }
    private (long OnHand, long Reserved, long Damaged, long Unusable) _before;

    public void Loaded()
    {
        Existed = true;
        IsPlaced = true;
        _before = (OnHand, Reserved, Damaged, Unusable);
    }

    public (long OnHand, long Reserved, long Damaged, long Unusable) Delta =>
        (OnHand - _before.OnHand, Reserved - _before.Reserved, Damaged - _before.Damaged, Unusable - _before.Unusable);

    /// <summary>Called when the row was written: what follows is measured from here.</summary>
    public void Written()
    {
        Touched = false;
        Existed = OnHand > 0;
        _before = (OnHand, Reserved, Damaged, Unusable);
    }

    /// <summary>Puts units in. The row keeps the age of its oldest units, and the earliest expiry, so that FEFO never ships late.</summary>
    public void Put(long units, DateTimeOffset receivedAt, DateOnly? expiresOn, DateOnly? manufacturedOn)
    {
        if (OnHand == 0) (ReceivedAt, ExpiresOn, ManufacturedOn) = (receivedAt, expiresOn, manufacturedOn);
        OnHand += units;
        if (receivedAt < ReceivedAt) ReceivedAt = receivedAt;
        if (expiresOn is { } e && (ExpiresOn is null || e < ExpiresOn)) ExpiresOn = e;
        if (manufacturedOn is { } m && (ManufacturedOn is null || m < ManufacturedOn)) ManufacturedOn = m;
        Touched = true;
    }

    /// <summary>Takes units out.</summary>
    public void Take(long units)
    {
        OnHand -= units;
        Touched = true;
    }

    public void CheckSane()
    {
        if (OnHand < 0 || Reserved < 0 || Damaged < 0 || Blocked < 0 || Available < 0 || OnHand > Kernel.Limits.MaxQuantity)
            throw new InvalidOperationException(
                $"stock of {key.Sku} in {key.Bin} lot '{key.Lot}' would be on hand {OnHand}, reserved {Reserved}, damaged {Damaged}, blocked {Blocked}");
    }
}
