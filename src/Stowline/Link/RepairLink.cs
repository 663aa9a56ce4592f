using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Link;

/// <summary>How far a repair is, as it is answered. The same as <see cref="RepairState"/>.</summary>
[JsonConverter(typeof(SnakeCaseEnum<RepairStage>))]
public enum RepairStage
{
    /// <summary>The other side has not shown what it has.</summary>
    Waiting = 1,

    /// <summary>What it had is here again: an operator may confirm.</summary>
    Heard = 2,

    /// <summary>Confirmed; other sites are still waited for.</summary>
    Confirmed = 3,

    /// <summary>Not waited for. Nothing is promised from the site until it has been heard.</summary>
    Excluded = 4,
}

/// <summary>Events of a lane that are known to have been written and that nobody has: what they told of must be looked at by somebody.</summary>
public sealed record LostView(string Lane, long First, long Last);

/// <summary>The repair of a link after a restore of the node that is asked.</summary>
/// <param name="BackupAt">When the backup was made; where the database was set back in another way, when that was noticed.</param>
/// <param name="TakenBack">Events that the other side has given back.</param>
/// <param name="Unapplied">Types of events that are in the log again but not in the tables, with how many.</param>
public sealed record RepairView(RepairStage State, DateTimeOffset BackupAt, long TakenBack, IReadOnlyList<LostView> Lost, IReadOnlyDictionary<string, long> Unapplied)
{
    internal static RepairView? Of(Repair? repair) => repair is null ? null : new RepairView((RepairStage)repair.State, repair.BackupAt, repair.TakenBack,
        [.. repair.Lost.Select(l => new LostView(l.Lane, l.First, l.Last))], repair.Unapplied);
}

/// <param name="Exclude">At a hub: do not wait for this site. Default false.</param>
public sealed record RepairBody(bool? Exclude) : IOptionalBody;

/// <summary>
/// <c>POST /links/{site}/repair</c>: an operator has seen what was lost with a restore, and lets the node go on. At a hub it goes on once that was said of every site with a node of
/// its own, or the site was excluded. Refusals: <c>nothing_to_repair</c>, <c>not_heard</c>, <c>hub_not_heard</c>.
/// </summary>
public static class RepairLink
{
    internal static void Map(IEndpointRouteBuilder api, Node node) => api.MapPost("/links/{site}/repair", async (HttpContext http, string site) =>
    {
        var body = await Requests.ReadAsync<RepairBody>(http);
        if (body.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var caller = Requests.CallerOf(http);
        if (caller.Refusal is { } who) { await Answers.WriteAsync(http, who); return; }
        StoredAnswer Render(Outcome<Repair> outcome) => Answers.Json<RepairView>()(outcome.Map(repair => RepairView.Of(repair)!));
        var result = await node.Lanes.ConfirmRepairAsync(node.Role, site, body.Value.Exclude ?? false, caller.Value, o => Answers.Keep(o, Render), http.RequestAborted);
        await Answers.WriteAsync(http, result, Render);
    }).WithTags("Links").WithSummary("Let a node that was restored go on").Takes<RepairBody>(optional: true).Produces<RepairView>();

    /// <summary>Confirms, or excludes the site.</summary>
    public static async Task<Outcome<RepairView>> RunAsync(Node node, string site, bool exclude, Caller caller, CancellationToken ct = default)
    {
        var outcome = await node.Lanes.ConfirmRepairAsync(node.Role, site, exclude, caller, ct);
        return outcome.Refusal is { } no ? no : RepairView.Of(outcome.Value)!;
    }
}
