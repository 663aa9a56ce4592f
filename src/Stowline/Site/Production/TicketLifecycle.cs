using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Site.Fulfillment;

namespace Stowline.Site.Production;

/// <summary>Where a ticket stands as a whole (K4). Between the first and the last stage it is active. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<TicketStatus>))]
public enum TicketStatus { Waiting = 1, Active = 2, Done = 3, Cancelled = 4 }

public enum TicketAction { Show = 1, Bump = 2, Recall = 3, Cancel = 4 }

/// <summary>A stage of a site's tickets. Ingredients are used up on entering the stage that says so.</summary>
public sealed record TicketStage(string Name, TicketPhase Phase, bool Uses = false);

/// <summary>The only place that knows what a ticket may become. Pure: no clock, no database.</summary>
public static class TicketLifecycle
{
    public static readonly IReadOnlyList<TicketStage> Kitchen =
    [
        new("pending", TicketPhase.Waiting), new("preparing", TicketPhase.Started), new("cooking", TicketPhase.Finishing, Uses: true), new("ready", TicketPhase.Ready),
        new("completed", TicketPhase.Done),
    ];

    public static readonly IReadOnlyList<TicketStage> Workshop =
    [
        new("queued", TicketPhase.Waiting), new("in_production", TicketPhase.Started, Uses: true), new("quality_check", TicketPhase.Finishing), new("finished", TicketPhase.Done),
    ];

    public static Transition Check(TicketStatus from, TicketAction action) => from switch
    {
        // Bumping a ticket that waits for its time starts it early: a cook who has nothing to do may.
        TicketStatus.Waiting => action switch
        {
            TicketAction.Show or TicketAction.Bump or TicketAction.Cancel => Transition.Go,
            TicketAction.Recall => Transition.Wrong,
        },
        TicketStatus.Active => action switch
        {
            TicketAction.Show => Transition.AlreadyThere,
            TicketAction.Bump or TicketAction.Recall or TicketAction.Cancel => Transition.Go,
        },
        // What was handed over can be recalled, if the last bump was a mistake, but not cancelled.
        TicketStatus.Done => action switch
        {
            TicketAction.Recall => Transition.Go,
            TicketAction.Bump => Transition.AlreadyThere,
            TicketAction.Show or TicketAction.Cancel => Transition.Wrong,
        },
        TicketStatus.Cancelled => action switch
        {
            TicketAction.Cancel => Transition.AlreadyThere,
            TicketAction.Show or TicketAction.Bump or TicketAction.Recall => Transition.Wrong,
        },
    };

    /// <summary>What standing in a stage makes of the ticket.</summary>
    public static TicketStatus Of(TicketPhase phase) => phase switch
    {
        TicketPhase.Waiting or TicketPhase.Started or TicketPhase.Finishing or TicketPhase.Ready => TicketStatus.Active,
        TicketPhase.Done => TicketStatus.Done,
    };
}
