using System.Text.Json.Serialization;
using Stowline.Log;

namespace Stowline.Contracts;

/// <summary>
/// How far a ticket is, whatever its site calls its stages: all that the hub must know to derive the order's status (K4, H10). Stored: append,
/// never renumber.
/// </summary>
[JsonConverter(typeof(SnakeCaseEnum<TicketPhase>))]
public enum TicketPhase { Waiting = 1, Started = 2, Finishing = 3, Ready = 4, Done = 5 }

/// <summary>One line of a ticket: pieces of a dish, what goes on them besides, where they are made, and what they use up in all.</summary>
/// <param name="WorkMinutes">Of all pieces together.</param>
/// <param name="Uses">Ingredients of all pieces together, extras included.</param>
public sealed record TicketItem(
    int Item, string Sku, string Name, string? Size, int Quantity, string Station, int WorkMinutes, IReadOnlyList<SkuUnits>? Extras, IReadOnlyList<SkuUnits> Uses);

/// <summary>hub/{site}: make this (K4). Carries all that the kitchen needs; the customer's name and address are not among it.</summary>
/// <param name="SlotStart">Of the first slot; null where the site has no slots.</param>
/// <param name="VisibleAt">When it is to appear on the screen.</param>
public sealed record TicketOrdered(
    Guid OrderId, int Part, long OrderNumber, string DisplayId, string Channel, string ExternalId, string FulfillmentType, Priority Priority,
    IReadOnlyList<TicketItem> Items, DateTimeOffset? SlotStart, DateTimeOffset? SlotEnd, DateTimeOffset VisibleAt, string? Note, bool OnHold = false) : IEvent
{
    public static string Type => "ticket.ordered";
}

/// <summary>hub/{site}: do not make it, if that is still possible. The site's word decides.</summary>
public sealed record TicketCancelRequested(Guid OrderId, int Part, string Reason) : IEvent { public static string Type => "ticket.cancel_requested"; }

/// <summary>A ticket as a screen draws it.</summary>
public sealed record TicketFacts(
    Guid TicketId, long Number, Guid OrderId, int Part, long OrderNumber, string DisplayId, string Stage, TicketPhase Phase, Priority Priority,
    IReadOnlyList<TicketItem> Items, DateTimeOffset? SlotStart, DateTimeOffset? SlotEnd, DateTimeOffset VisibleAt, string? Note);

/// <summary>The site has the ticket; it waits until it is to be seen.</summary>
public sealed record TicketReceived(TicketFacts Ticket) : IEvent { public static string Type => "ticket.received"; }

/// <summary>The ticket is on the screen.</summary>
public sealed record TicketShown(TicketFacts Ticket) : IEvent { public static string Type => "ticket.shown"; }

/// <summary>The ticket stands in another stage: bumped on, recalled, or set.</summary>
/// <param name="EstimatedReadyAt">From measured stage times, where there are any.</param>
public sealed record TicketMoved(
    Guid TicketId, long Number, Guid OrderId, int Part, string From, string To, TicketPhase Phase, string Action, DateTimeOffset? EstimatedReadyAt) : IEvent
{
    public static string Type => "ticket.moved";
}

/// <summary>A station is done with one item.</summary>
public sealed record TicketItemDone(Guid TicketId, long Number, Guid OrderId, int Part, int Item, string Station) : IEvent { public static string Type => "ticket.item_done"; }

/// <summary>Somebody took the ticket (H10).</summary>
public sealed record TicketAssigned(Guid TicketId, long Number, Guid OrderId, int Part, string Worker) : IEvent { public static string Type => "ticket.assigned"; }

/// <summary>Hold or priority changed by the hub or at the screen.</summary>
public sealed record TicketChanged(Guid OrderId, int Part, Priority? Priority, bool? OnHold) : IEvent { public static string Type => "ticket.changed"; }

/// <summary>The site does not make it: the hub gives the slot back.</summary>
public sealed record TicketCancelled(Guid TicketId, long Number, Guid OrderId, int Part, string Stage, string Reason) : IEvent { public static string Type => "ticket.cancelled"; }

/// <summary>Too late: it was handed over.</summary>
public sealed record TicketCancelRefused(Guid OrderId, int Part, string Reason) : IEvent { public static string Type => "ticket.cancel_refused"; }

/// <summary>A dish or an ingredient is off at the site (86'd): nothing with it may be promised from there.</summary>
/// <param name="ByHand">False: its stock has run out, and stock brings it back.</param>
public sealed record DishStopped(string Sku, string Reason, bool ByHand) : IEvent { public static string Type => "dish.stopped"; }

/// <summary>It is on again.</summary>
public sealed record DishResumed(string Sku) : IEvent { public static string Type => "dish.resumed"; }

/// <summary>hub/{site}: begin with the stages of this preset, until the site sets its own.</summary>
public sealed record StagesPreset(string Preset) : IEvent { public static string Type => "stages.preset"; }

/// <summary>hub/all: what is on the menu under this dish now.</summary>
public sealed record MenuSaved(string Dish, IReadOnlyList<string> Skus) : IEvent { public static string Type => "menu.saved"; }

/// <summary>hub/all: how a site promises its capacity has changed.</summary>
public sealed record SlotPlanSaved(string Site, int LengthMinutes, string Measure, long Capacity) : IEvent { public static string Type => "slots.planned"; }
