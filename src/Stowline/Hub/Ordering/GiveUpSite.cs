using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Promising;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Ordering;

/// <summary>How far a site is given up, as it is answered. The same as <see cref="GiveUpState"/>.</summary>
[JsonConverter(typeof(SnakeCaseEnum<GiveUpStage>))]
public enum GiveUpStage
{
    /// <summary>What it had to do is being given to others.</summary>
    Leaving = 1,

    /// <summary>Nothing is left to be given to others.</summary>
    Gone = 2,

    /// <summary>It was asked to come back and has not answered.</summary>
    Returning = 3,
}

/// <param name="Confirm">Must be true: what the site has not shipped is promised elsewhere.</param>
/// <param name="Reason">Required, at most 500 characters: orders' timelines say it.</param>
public sealed record GiveUpBody(bool? Confirm, string? Reason);

/// <param name="Confirm">Must be true.</param>
/// <param name="TrustBooks">What the site has is as its books say, so nothing needs to be counted before it is granted. Default false.</param>
public sealed record TakeBackBody(bool? Confirm, bool? TrustBooks);

/// <summary>A site that was given up.</summary>
/// <param name="Disputed">Units that lie there by the hub's books, until somebody counts.</param>
public sealed record GiveUpView(string Site, GiveUpStage State, DateTimeOffset GivenUpAt, string Reason, string Actor, long Disputed);

/// <summary>
/// An operator's word at the hub that a site is gone for good (decision 0027): nothing is promised from there, what it has not shipped goes to other sites or waits for stock, and what lies there is
/// disputed. Should the site be there after all, it is asked for its parts back, and what it has shipped meanwhile counts; it is promised from again once an operator has taken it back and it has opened a
/// new epoch of its counters. Refusals: <c>site_not_found</c>, <c>not_given_up</c>, <c>still_leaving</c>.
/// </summary>
public static class GiveUpSite
{
    /// <param name="begun">Set when there is something to be given to others.</param>
    internal static void Map(IEndpointRouteBuilder api, Node node, Signal begun)
    {
        api.MapPost("/sites/{code}/give-up", (HttpContext http, string code) =>
                Commands.RunAsync<GiveUpBody, GiveUpView>(http, node.Lanes, Lane.Hub, (body, tx) => DecideAsync(code, body, tx, node, begun)))
            .WithTags("Sites").WithSummary("Say that a site is gone for good: its work goes to others").Takes<GiveUpBody>().Produces<GiveUpView>();
        // Two hops: to the site and back, so that a local site is there again when the answer comes.
        api.MapPost("/sites/{code}/take-back", (HttpContext http, string code) =>
                Commands.RunAsync<TakeBackBody, GiveUpView>(http, node.Lanes, Lane.Hub, (body, tx) => TakeBackAsync(code, body, tx, node), hops: 2))
            .WithTags("Sites").WithSummary("Take a site back that was given up").Takes<TakeBackBody>().Produces<GiveUpView>();
        api.MapGet("/sites/{code}/give-up", async (HttpContext http, string code) =>
        {
            var view = await node.Database.ReadAsync(async s => (await GivenUpSites.AllAsync(s)).FirstOrDefault(g => g.Site == code) is { } given
                ? View(given, await AllotmentEpochs.DisputedAsync(s, code)) : null, http.RequestAborted);
            await Answers.WriteAsync(http, view is null ? NotGivenUp(code) : (Outcome<GiveUpView>)view);
        }).WithTags("Sites").WithSummary("How far a site is given up").Produces<GiveUpView>();
    }

    private static Refusal NotGivenUp(string site) => Refusal.NotFound("not_given_up", $"{site} was not given up");

    private static GiveUpView View(GivenUpSite given, long disputed) => new(given.Site, (GiveUpStage)given.State, given.GivenUpAt, given.Reason, given.Actor, disputed);

    public static async ValueTask<Outcome<GiveUpView>> DecideAsync(string site, GiveUpBody body, LaneTransaction tx, Node node, Signal? begun = null)
    {
        var problems = new Problems();
        problems.Check(body.Confirm == true, "confirm", "must be true: what the site has not shipped is promised elsewhere");
        var reason = problems.Text(body.Reason?.Trim(), "reason", 500);
        problems.Check(!string.IsNullOrEmpty(reason), "reason", "is required");
        if (problems.Any) return problems.ToRefusal();
        if (!await ReadSites.ExistsAsync(tx, site)) return Refusal.NotFound("site_not_found", $"there is no site {site}");
        if (await GivenUpSites.FindAsync(tx, site) is { State: not GiveUpState.Returning } known)
            return Outcome<GiveUpView>.AlreadyDone(View(known, await AllotmentEpochs.DisputedAsync(tx.Group.Session, site)));
        var closed = await AllotmentEpochs.CloseAsync(tx, site);
        var given = new GivenUpSite { Site = site, State = GiveUpState.Leaving, GivenUpAt = tx.Now, Reason = reason!, Actor = tx.Caller.Actor };
        await GivenUpSites.SaveAsync(tx, node.Lanes, given);
        var word = new SiteGivenUp(site, reason!, closed);
        tx.Append(Lane.Hub, word, "site/" + site);
        tx.Append(Lane.HubTo(site), word, "site/" + site);
        tx.OnCommitted(() => begun?.Set());
        return View(given, closed);
    }

    public static async ValueTask<Outcome<GiveUpView>> TakeBackAsync(string site, TakeBackBody body, LaneTransaction tx, Node node)
    {
        if (body.Confirm != true) return Refusal.Invalid("confirm", "must be true");
        if (await GivenUpSites.FindAsync(tx, site) is not { } known) return NotGivenUp(site);
        // The site must hear of every part that was taken from it before it begins anew.
        if (known.State == GiveUpState.Leaving) return Refusal.Conflict("still_leaving", $"what {site} had to do is being given to others; try again in a moment");
        var disputed = await AllotmentEpochs.DisputedAsync(tx.Group.Session, site);
        if (known.State == GiveUpState.Returning) return Outcome<GiveUpView>.AlreadyDone(View(known, disputed));
        var returning = known with { State = GiveUpState.Returning };
        await GivenUpSites.SaveAsync(tx, node.Lanes, returning);
        var word = new SiteTakenBack(site, body.TrustBooks ?? false);
        tx.Append(Lane.Hub, word, "site/" + site);
        tx.Append(Lane.HubTo(site), word, "site/" + site);
        return View(returning, disputed);
    }

    /// <summary>After a restore of the hub: what a site was told of this comes back.</summary>
    internal static async ValueTask RecoverAsync(string site, EventRecord e, LaneTransaction tx, Lanes lanes)
    {
        if (e.Type == SiteGivenUp.Type)
        {
            await AllotmentEpochs.CloseAsync(tx, site);
            await GivenUpSites.SaveAsync(tx, lanes, new GivenUpSite { Site = site, State = GiveUpState.Leaving, GivenUpAt = e.At, Reason = e.Read<SiteGivenUp>().Reason, Actor = e.Actor });
        }
        else if (await GivenUpSites.FindAsync(tx, site) is { } known) await GivenUpSites.SaveAsync(tx, lanes, known with { State = GiveUpState.Returning });
    }
}
