using System.Text.Json;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;

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

/// <summary>
/// Moves units from a bin to staging (F2); may be repeated unit by unit. Refusals: <c>picking_task_not_found</c>, <c>picking_item_not_found</c>,
/// <c>invalid_transition</c>, <c>quantity_exceeds_remaining</c>, <c>wrong_bin</c>.
/// </summary>
public static class PickItem
{
    public static async ValueTask<Outcome<PickingTask>> DecideAsync(string site, Guid taskId, int itemNumber, PickItemBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var quantity = problems.Quantity(body.Quantity, "quantity");
        var bin = body.Bin is null ? null : problems.Code(body.Bin, "bin");
        CheckSerials(body.Serials, quantity, problems);
        if (problems.Any) return problems.ToRefusal();
        if (await PickingTasks.FindAsync(tx, site, taskId) is not { } loaded) return PickingTasks.NotFound(taskId.ToString());
        if (loaded.Items.FirstOrDefault(i => i.Item == itemNumber) is not { } item) return SkipItem.ItemNotFound(loaded.Task.Number, itemNumber);
        if (Refuse(loaded, item, quantity, bin) is { } no) return no;

        var full = quantity == item.Remaining;
        var movement = await StockBook.PickAsync(tx, site, new StockUnits(item.Sku, item.Bin, item.LotOrNull, quantity), $"picking {loaded.Task.Number}");
        await tx.WriteAsync("""
            UPDATE picking_items SET quantity_picked = quantity_picked + @quantity, status = @status, picked_at = @now, serials = COALESCE(@serials, serials)
            WHERE task_id = @taskId AND item = @itemNumber
            """, new
            {
                taskId, itemNumber, quantity, now = tx.Now, status = full ? PickingItemStatus.Picked : PickingItemStatus.Pending,
                serials = await SerialsAsync(tx, taskId, itemNumber, body.Serials),
            });
        if (full) await tx.WriteAsync("UPDATE picking_tasks SET picked_items = picked_items + 1 WHERE id = @taskId", new { taskId });
        var task = loaded.Task;
        tx.Append(Lane.Site(site), new ItemPicked(task.Id, task.Number, task.OrderId, task.Part, item.Item, quantity, [movement]), loaded.Subject, task.OrderId);
        return await PickingTasks.ShowAsync(tx, site, taskId);
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

    private static void CheckSerials(IReadOnlyList<string>? serials, int quantity, Problems problems)
    {
        if (serials is null) return;
        if (quantity > 0) problems.Check(serials.Count == quantity, "serials", "must be one per unit");
        if (serials.Count > 10_000) problems.Add("serials", "must be at most 10000");
        else for (var i = 0; i < serials.Count; i++) problems.Code(serials[i], $"serials[{i}]");
        problems.Check(serials.Distinct(StringComparer.Ordinal).Count() == serials.Count, "serials", "must differ from each other");
    }

    /// <summary>All serials of the item so far, as JSON; null when none came with this call.</summary>
    private static async ValueTask<string?> SerialsAsync(LaneTransaction tx, Guid taskId, int itemNumber, IReadOnlyList<string>? added)
    {
        if (added is not { Count: > 0 }) return null;
        var before = await tx.FindAsync<string>("SELECT serials FROM picking_items WHERE task_id = @taskId AND item = @itemNumber", new { taskId, itemNumber });
        string[] known = before is null ? [] : JsonSerializer.Deserialize(before, FulfillmentJson.Default.StringArray) ?? [];
        return JsonSerializer.Serialize([.. known, .. added.Select(s => s.Trim())], FulfillmentJson.Default.StringArray);
    }
}
