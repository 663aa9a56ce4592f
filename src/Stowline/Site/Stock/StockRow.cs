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

    /// <summary>The oldest receipt still in the row: its FIFO age. Null before anything was in it.</summary>
    public DateTimeOffset? ReceivedAt { get => _receivedAt; init => _receivedAt = value; }

    /// <summary>The receipts behind the oldest, as the table has them.</summary>
    public string? Newer { get => ReceiptLayer.Write(_newer); init => _newer = ReceiptLayer.Read(value); }
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
    private DateTimeOffset? _receivedAt;

    /// <summary>Oldest first; what is not in here is of the oldest receipt. Null in most rows, which hold one receipt.</summary>
    private List<ReceiptLayer>? _newer;

    private long OldestUnits => OnHand - (_newer?.Sum(l => l.Units) ?? 0);

    /// <summary>
    /// What is taken next of the available units. Reserved ones are passed over: they are the oldest, because they have been given away first, and give the place back when they are not needed.
    /// </summary>
    public ReceiptLayer Next
    {
        get
        {
            var (before, receivedAt, units) = (Reserved, _receivedAt!.Value, OldestUnits);
            for (var i = 0; units <= before && i < _newer?.Count; i++)
            {
                before -= units;
                (receivedAt, units) = _newer[i];
            }
            return new ReceiptLayer(receivedAt, Math.Min(Available, units - before));
        }
    }

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

    /// <summary>Puts units of a receipt in. The row takes the earliest expiry of what is in it, so that FEFO never ships late.</summary>
    public void Put(long units, DateTimeOffset receivedAt, DateOnly? expiresOn, DateOnly? manufacturedOn)
    {
        Touched = true;
        if (units == 0) return;
        if (OnHand <= 0) (_receivedAt, _newer, ExpiresOn, ManufacturedOn) = (receivedAt, null, expiresOn, manufacturedOn);
        else if (receivedAt != _receivedAt) AddLayer(receivedAt, units);
        OnHand += units;
        if (expiresOn is { } e && (ExpiresOn is null || e < ExpiresOn)) ExpiresOn = e;
        if (manufacturedOn is { } m && (ManufacturedOn is null || m < ManufacturedOn)) ManufacturedOn = m;
    }

    /// <summary>Units that come from elsewhere keep their age, so they need not be the newest here.</summary>
    private void AddLayer(DateTimeOffset receivedAt, long units)
    {
        _newer ??= [];
        if (receivedAt < _receivedAt)
        {
            _newer.Insert(0, new ReceiptLayer(_receivedAt.Value, OldestUnits));
            _receivedAt = receivedAt; // the units themselves are what OnHand will have beyond the newer ones
        }
        else
        {
            var at = _newer.FindLastIndex(l => l.ReceivedAt <= receivedAt);
            if (at >= 0 && _newer[at].ReceivedAt == receivedAt) _newer[at] = new ReceiptLayer(receivedAt, _newer[at].Units + units);
            else _newer.Insert(at + 1, new ReceiptLayer(receivedAt, units));
        }
        if (_newer.Count >= ReceiptLayer.Most) MergeClosest(_newer);
    }

    /// <summary>The two receipts that came closest after each other count as the earlier: units may pass for older than they are, never for younger, and so never wait too long.</summary>
    private void MergeClosest(List<ReceiptLayer> newer)
    {
        var (closest, gap, before) = (0, TimeSpan.MaxValue, _receivedAt!.Value);
        for (var i = 0; i < newer.Count; i++)
        {
            if (newer[i].ReceivedAt - before <= gap) (closest, gap) = (i, newer[i].ReceivedAt - before);
            before = newer[i].ReceivedAt;
        }
        if (closest > 0) newer[closest - 1] = newer[closest - 1] with { Units = newer[closest - 1].Units + newer[closest].Units };
        newer.RemoveAt(closest);
    }

    /// <summary>Takes units out, the oldest first.</summary>
    public void Take(long units)
    {
        var oldest = OldestUnits - units;
        OnHand -= units;
        while (oldest <= 0 && _newer is [var next, ..])
        {
            _receivedAt = next.ReceivedAt;
            oldest += next.Units;
            _newer.RemoveAt(0);
        }
        Touched = true;
    }

    /// <summary>Moves units to another row, the oldest first, with their ages and the row's dates.</summary>
    /// <exception cref="InvalidOperationException">Nothing was ever in the row.</exception>
    public void Carry(StockRow to, long units)
    {
        while (units > 0)
        {
            var some = _newer is { Count: > 0 } ? Math.Min(units, OldestUnits) : units;
            to.Put(some, _receivedAt ?? throw new InvalidOperationException($"nothing of {key.Sku} is in {key.Bin}"), ExpiresOn, ManufacturedOn);
            Take(some);
            units -= some;
        }
    }

    public void CheckSane()
    {
        if (OnHand < 0 || Reserved < 0 || Damaged < 0 || Blocked < 0 || Available < 0 || OnHand > Kernel.Limits.MaxQuantity || (OnHand > 0 && OldestUnits <= 0))
            throw new InvalidOperationException(
                $"stock of {key.Sku} in {key.Bin} lot '{key.Lot}' would be on hand {OnHand}, reserved {Reserved}, damaged {Damaged}, blocked {Blocked}, of newer receipts '{Newer}'");
    }
}
