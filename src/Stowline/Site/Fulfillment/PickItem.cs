using System.Globalization;
using System.Text.Json;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>Units taken from the item's bin.</summary>
public sealed record PickItemBody
{
    /// <summary>1 to what remains.</summary>
    public long Quantity { get; init; }
    /// <summary>The bin that was scanned: must be the item's.</summary>
    public string? Bin { get; init; }
    /// <summary>One serial number per unit, where they are recorded.</summary>
    public IReadOnlyList<string>? Serials { get; init; }
}

/// <summary>Several picks of one task at once: what a handheld gathered without network, or a robot reports.</summary>
public sealed record PickItemsBody
{
    public IReadOnlyList<PickEntryBody?>? Items { get; init; }
}

/// <summary>One of several picks. <see cref="Item"/> is the item's id.</summary>
public sealed record PickEntryBody
{
    public string? Item { get; init; }
    public long Quantity { get; init; }
    public string? Bin { get; init; }
    public IReadOnlyList<string>? Serials { get; init; }
}

/// <summary>A pick that was checked.</summary>
internal readonly record struct PickEntry(int Item, int Quantity, string? Bin, IReadOnlyList<string>? Serials);

/// <summary>
/// Moves units from bins to staging (F2); may be repeated unit by unit, and several items may be picked at once, all or none. Refusals:
/// <c>picking_task_not_found</c>, <c>picking_item_not_found</c>, <c>invalid_transition</c>, <c>quantity_exceeds_remaining</c>, <c>wrong_bin</c>.
/// </summary>
public static class PickItem
{
    public static ValueTask<Outcome<PickingTask>> DecideAsync(string site, Guid taskId, int itemNumber, PickItemBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var entry = Check(itemNumber, body.Quantity, body.Bin, body.Serials, "", problems);
        return problems.Any ? ValueTask.FromResult<Outcome<PickingTask>>(problems.ToRefusal()) : DecideAsync(site, taskId, [entry], tx);
    }

    /// <summary>Several items at once. An item may be named once.</summary>
    public static ValueTask<Outcome<PickingTask>> DecideAsync(string site, Guid taskId, PickItemsBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var entries = new List<PickEntry>();
        problems.Check(body.Items is { Count: > 0 and <= Limits.MaxOrderLines }, "items", $"must be 1–{Limits.MaxOrderLines}");
        for (var i = 0; i < (body.Items?.Count ?? 0) && i < Limits.MaxOrderLines; i++)
        {
            var at = $"items[{i}].";
            if (body.Items![i] is not { } item) { problems.Add($"items[{i}]", "must not be null"); continue; }
            if (!int.TryParse(item.Item, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) problems.Add(at + "item", "must be the id of an item");
            problems.Check(entries.TrueForAll(e => e.Item != number), at + "item", "is named twice");
            entries.Add(Check(number, item.Quantity, item.Bin, item.Serials, at, problems));
        }
        return problems.Any ? ValueTask.FromResult<Outcome<PickingTask>>(problems.ToRefusal()) : DecideAsync(site, taskId, entries, tx);
    }

    private static PickEntry Check(int item, long quantity, string? bin, IReadOnlyList<string>? serials, string at, Problems problems)
    {
        var units = problems.Quantity(quantity, at + "quantity");
        CheckSerials(serials, units, at, problems);
        return new PickEntry(item, units, bin is null ? null : problems.Code(bin, at + "bin"), serials);
    }

    private static async ValueTask<Outcome<PickingTask>> DecideAsync(string site, Guid taskId, IReadOnlyList<PickEntry> entries, LaneTransaction tx)
    {
        if (await PickingTasks.FindAsync(tx, site, taskId) is not { } loaded) return PickingTasks.NotFound(taskId.ToString());
        var task = loaded.Task;
        var byNumber = loaded.Items.ToDictionary(i => i.Item);
        foreach (var entry in entries)
        {
            if (!byNumber.TryGetValue(entry.Item, out var item)) return SkipItem.ItemNotFound(task.Number, entry.Item);
            if (Refuse(loaded, item, entry.Quantity, entry.Bin) is { } no) return no;
        }
        StockUnits[] units = [.. entries.Select(e => new StockUnits(byNumber[e.Item].Sku, byNumber[e.Item].Bin, byNumber[e.Item].LotOrNull, e.Quantity))];
        var movements = await StockBook.PickAsync(tx, site, units, $"picking {task.Number}");
        await WriteAsync(tx, taskId, entries, byNumber);
        for (var i = 0; i < entries.Count; i++)
            tx.Append(Lane.Site(site), new ItemPicked(task.Id, task.Number, task.OrderId, task.Part, entries[i].Item, entries[i].Quantity, [movements[i]]), loaded.Subject, task.OrderId);
        return await PickingTasks.ShowAsync(tx.Group.Session, Picked(loaded, entries, tx.Now));
    }

    /// <summary>The task as it is after the picks: what was just written need not be read again.</summary>
    private static LoadedPicking Picked(LoadedPicking loaded, IReadOnlyList<PickEntry> entries, DateTimeOffset now)
    {
        var taken = entries.ToDictionary(e => e.Item, e => e.Quantity);
        PickingItemRow[] items = [.. loaded.Items.Select(i => taken.TryGetValue(i.Item, out var units)
            ? i with { QuantityPicked = i.QuantityPicked + units, Status = StatusAfter(i, units), PickedAt = now } : i)];
        return loaded with { Items = items, Task = loaded.Task with { PickedItems = loaded.Task.PickedItems + loaded.Items.Count(i => taken.GetValueOrDefault(i.Item, -1) == i.Remaining) } };
    }

    private static PickingItemStatus StatusAfter(PickingItemRow item, int units) => units == item.Remaining ? PickingItemStatus.Picked : PickingItemStatus.Pending;

    private static async ValueTask WriteAsync(LaneTransaction tx, Guid taskId, IReadOnlyList<PickEntry> entries, Dictionary<int, PickingItemRow> items)
    {
        await tx.UpdateAsync("picking_items", "quantity_picked = picking_items.quantity_picked + k.more, status = k.new_status, picked_at = k.at", entries.Count,
            [Column.Same("task_id", entries.Count, taskId), Column.From("item", entries, e => e.Item)],
            Column.From("more", entries, e => e.Quantity),
            Column.From("new_status", entries, e => (int)StatusAfter(items[e.Item], e.Quantity)),
            Column.Same("at", entries.Count, tx.Now));
        foreach (var entry in entries.Where(e => e.Serials is { Count: > 0 }))
            await tx.WriteAsync("UPDATE picking_items SET serials = @serials WHERE task_id = @taskId AND item = @item",
                new { taskId, item = entry.Item, serials = await SerialsAsync(tx, taskId, entry.Item, entry.Serials!) });
        var full = entries.Count(e => e.Quantity == items[e.Item].Remaining);
        if (full > 0) await tx.WriteAsync("UPDATE picking_tasks SET picked_items = picked_items + @full WHERE id = @taskId", new { taskId, full });
    }

    private static Refusal? Refuse(LoadedPicking loaded, PickingItemRow item, int quantity, string? bin)
    {
        // Picking is part of being in progress: the one state from which a task can be completed.
        var status = loaded.Task.Status;
        if (!PickingLifecycle.Allowed(status).Contains(PickingAction.Complete))
            return Transitions.Refuse("picking task", loaded.Task.Number, SnakeCaseEnum<PickingStatus>.Text(status), "pick",
                PickingLifecycle.Allowed(status).Select(SnakeCaseEnum<PickingAction>.Text));
        if (item.Status is PickingItemStatus.Short or PickingItemStatus.Skipped) return PickingItemLifecycle.Refuse(item.Item, item.Status, PickingItemAction.PickRest);
        if (quantity > item.Remaining)
            return Refusal.Conflict("quantity_exceeds_remaining", $"{item.Remaining} of {item.Sku} remain to be picked from {item.Bin}, not {quantity}",
                new Dictionary<string, object?> { ["remaining"] = item.Remaining });
        return bin is null || bin == item.Bin ? null : Refusal.Conflict("wrong_bin", $"item {item.Item} is in bin {item.Bin}, not {bin}");
    }

    private static void CheckSerials(IReadOnlyList<string>? serials, int quantity, string at, Problems problems)
    {
        if (serials is null) return;
        if (quantity > 0) problems.Check(serials.Count == quantity, at + "serials", "must be one per unit");
        if (serials.Count > 10_000) problems.Add(at + "serials", "must be at most 10000");
        else for (var i = 0; i < serials.Count; i++) problems.Code(serials[i], $"{at}serials[{i}]");
        problems.Check(serials.Distinct(StringComparer.Ordinal).Count() == serials.Count, at + "serials", "must differ from each other");
    }

    /// <summary>All serials of the item so far, with the new ones, as JSON.</summary>
    private static async ValueTask<string> SerialsAsync(LaneTransaction tx, Guid taskId, int itemNumber, IReadOnlyList<string> added)
    {
        var before = await tx.FindAsync<string>("SELECT serials FROM picking_items WHERE task_id = @taskId AND item = @itemNumber", new { taskId, itemNumber });
        string[] known = before is null ? [] : JsonSerializer.Deserialize(before, FulfillmentJson.Default.StringArray) ?? [];
        return JsonSerializer.Serialize([.. known, .. added.Select(s => s.Trim())], FulfillmentJson.Default.StringArray);
    }
}
