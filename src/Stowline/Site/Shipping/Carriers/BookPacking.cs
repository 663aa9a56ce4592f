using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>Who is to carry a packed task.</summary>
public sealed record BookPackingBody : Http.IOptionalBody
{
    /// <summary>A carrier of the site; without one its rules choose, with those to fall back on.</summary>
    public string? Carrier { get; init; }
    /// <summary>The carrier's word for the service; without one the rule's, or the profile's.</summary>
    public string? Service { get; init; }
    /// <summary>Ship as soon as the carrier has taken it; without a word what the rule says.</summary>
    public bool? Ship { get; init; }
}

/// <summary>
/// A packed part is to be bought from a carrier (F5): written down, and done by <see cref="CarrierPump"/>. Asking again answers the booking that exists. Refusals:
/// <c>packing_task_not_found</c>, <c>not_packed</c>, <c>order_on_hold</c>, <c>booking_exists</c>, <c>sender_missing</c>, <c>carrier_not_found</c>, <c>carrier_unusable</c>, <c>no_carrier</c>.
/// </summary>
public static class BookPacking
{
    public static async ValueTask<Outcome<BookingView>> DecideAsync(string site, Guid packingTaskId, BookPackingBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var wish = body.Carrier is null ? null : problems.Code(body.Carrier, "carrier");
        problems.Text(body.Service, "service", 64);
        if (problems.Any) return problems.ToRefusal();
        var session = tx.Group.Session;
        if (await ShippedParts.FindAsync(session, site, packingTaskId) is not { } parcel) return PackingTasks.NotFound(packingTaskId.ToString());
        var task = parcel.Task;
        if (await Bookings.OfTaskAsync(session, packingTaskId) is { } known)
            return wish is null || wish == known.Carrier ? Outcome<BookingView>.AlreadyDone(known.View)
                : Refusal.Conflict("booking_exists", $"packing task {task.Number} has the booking {known.Number} with {known.Carrier}; cancel it first");
        if (task.Status != PackingStatus.Packed) return Refusal.Conflict("not_packed", $"packing task {task.Number} is {SnakeCaseEnum<PackingStatus>.Text(task.Status)}, not packed");
        if (task.OnHold) return Transitions.OnHold("packing task", task.Number);
        var settings = await ShippingSettings.ReadAsync(session, site);
        if (settings.Sender is null) return Refusal.Conflict("sender_missing", $"{site} has no sender; set it by PUT /sites/{site}/shipping-settings");
        var order = await FulfillmentOrders.FindAsync(session, task.OrderId, task.Part) ?? throw new InvalidOperationException($"packing task {task.Number} has no fulfillment order");
        var country = (await ParcelValues.RecipientAsync(session, order, null))?.ShipTo?.Country;
        var rule = wish is null ? ShippingSettings.Choose(settings.Rules, order.Channel, country, task.WeightG, task.Packages.Count) : null;
        var chosen = await UsableAsync(tx, site, wish is null ? rule?.Carriers ?? [] : [wish], task, wish);
        if (chosen.Refusal is { } no) return no;
        return await WriteAsync(tx, task, order, chosen.Value, body.Service ?? rule?.Service, body.Ship ?? rule?.Ship ?? false);
    }

    /// <summary>Those of the carriers that could take the parcel. A carrier that does not answer just now can: it waits.</summary>
    private static async Task<Outcome<string[]>> UsableAsync(LaneTransaction tx, string site, IReadOnlyList<string> carriers, PackingTask task, string? wish)
    {
        var usable = new List<string>();
        string? why = null;
        foreach (var carrier in carriers)
        {
            if (await CarrierRows.FindAsync(tx.Group.Session, site, carrier) is not { } row) return SaveCarrier.NotFound(site, carrier);
            var problem = await CarrierRows.ProblemAsync(tx.Group.Session, row);
            problem ??= !row.Enabled ? "it is switched off" : row.Spoken!.Create is null ? "its profile cannot create shipments" : row.Spoken.MaxPackages < task.Packages.Count
                ? $"it takes at most {row.Spoken.MaxPackages} packages" : null;
            if (problem is null) usable.Add(carrier);
            else why ??= $"{carrier}: {problem}";
        }
        if (usable.Count > 0) return usable.ToArray();
        return wish is not null ? Refusal.Conflict("carrier_unusable", why!) : Refusal.Conflict("no_carrier", why ?? $"no rule of {site} fits this parcel; name a carrier");
    }

    private static async Task<BookingView> WriteAsync(LaneTransaction tx, PackingTask task, FulfillmentOrder order, string[] carriers, string? service, bool ship)
    {
        var id = tx.NewId();
        var number = await tx.NextNumberAsync("booking", Lane.Site(task.Site));
        // Our numbers begin anew where somebody begins with an empty database; the carrier's memory does not.
        var reference = $"ST{number}-{id.ToString("N")[28..]}";
        await tx.WriteAsync("""
            INSERT INTO carrier_bookings (id, number, site, packing_task_id, order_id, part, person_id, reference, service, ship, status, carrier, carriers, others, todo, next_at, attempts, numbers, tracking, created_at, created_by)
            VALUES (@id, @number, @site, @taskId, @orderId, @part, @personId, @reference, @service, @ship, @status, @carrier, @carriers, @others, @todo, @now, 0, '[]', 0, @now, @actor)
            """, new
        {
            id, number, site = task.Site, taskId = task.Id, orderId = task.OrderId, part = task.Part, personId = order.PersonId, reference, service, ship, status = BookingStatus.Pending, carrier = carriers[0],
            carriers = Bookings.Json(carriers), others = carriers.Length - 1, todo = BookingTodo.Buy, now = tx.Now, actor = tx.Caller.Actor,
        });
        tx.Append(Lane.Site(task.Site), new BookingRequested(id, number, task.OrderId, task.Part, task.Id, reference, carriers), task.OrderId.ToString(), task.OrderId);
        return (await Bookings.FindAsync(tx.Group.Session, id))!.View;
    }
}
