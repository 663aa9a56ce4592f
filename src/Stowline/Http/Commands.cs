using Microsoft.AspNetCore.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Http;

/// <summary>From a request to a command to an answer: what every slice's endpoint does, in one call.</summary>
public static class Commands
{
    /// <summary>Reads the body, decides it in the lane's scope, writes the answer.</summary>
    /// <param name="status">The status of success: 200 or 201 (201 becomes 200 where it was already so).</param>
    /// <param name="hops">How far the answer waits for consumers (see <see cref="Lanes.ExecuteAsync{T}(Lane,Caller,Func{LaneTransaction,ValueTask{Outcome{T}}},Func{Outcome{T},StoredAnswer},int,CancellationToken)"/>).</param>
    public static async Task RunAsync<TBody, T>(HttpContext http, Lanes lanes, Lane lane, Func<TBody, LaneTransaction, ValueTask<Outcome<T>>> decide,
        int status = 200, Func<T, string>? location = null, int hops = 1, int limit = Requests.BodyLimit) where TBody : class
    {
        if (lanes.IsReplica(lane)) { await Answers.WriteAsync(http, Replicas.Refuse(lane)); return; }
        var body = await Requests.ReadAsync<TBody>(http, limit);
        if (body.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        await RunAsync(http, lanes, lane, tx => decide(body.Value, tx), status, location, hops);
    }

    /// <summary>
    /// What is done in several steps, or elsewhere too, and so cannot keep its answer in its own transaction: the answer is kept right behind it. Whoever repeats after a crash between the two
    /// is answered as the second one to ask, which does no harm where nothing can be done twice.
    /// </summary>
    /// <param name="lane">Where the answer is kept.</param>
    public static async Task RunStepsAsync<T>(HttpContext http, Lanes lanes, Lane lane, Func<Caller, Task<Outcome<T>>> act)
    {
        var asked = Requests.CallerOf(http);
        if (asked.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var caller = asked.Value;
        if (caller.Idempotency is null) { await Answers.WriteAsync(http, await act(caller)); return; }
        var (render, isNew) = (Answers.Json<T>(), false);
        var before = await lanes.ExecuteAsync<T>(lane, caller, _ =>
        {
            isNew = true;
            return ValueTask.FromResult<Outcome<T>>(Refusal.Unavailable("not_answered_yet", "nothing was kept for this Idempotency-Key", 1));
        }, o => Answers.Keep(o, render), hops: 0, http.RequestAborted);
        if (!isNew) { await Answers.WriteAsync(http, before, render); return; }
        var outcome = await act(caller with { Idempotency = null });
        var kept = await lanes.ExecuteAsync<T>(lane, caller, _ => ValueTask.FromResult(outcome), o => Answers.Keep(o, render), hops: 0, http.RequestAborted);
        // Done is done, also where the answer could not be kept.
        if (kept.Answer is null) await Answers.WriteAsync(http, outcome);
        else await Answers.WriteAsync(http, kept, render);
    }

    /// <summary>A command without a body.</summary>
    public static async Task RunAsync<T>(HttpContext http, Lanes lanes, Lane lane, Func<LaneTransaction, ValueTask<Outcome<T>>> decide,
        int status = 200, Func<T, string>? location = null, int hops = 1)
    {
        if (lanes.IsReplica(lane)) { await Answers.WriteAsync(http, Replicas.Refuse(lane)); return; }
        var caller = Requests.CallerOf(http);
        if (caller.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var render = Answers.Json(status, location);
        try
        {
            var result = await lanes.ExecuteAsync(lane, caller.Value, decide, o => Answers.Keep(o, render), hops, http.RequestAborted);
            await Answers.WriteAsync(http, result, render);
        }
        catch (UnknownLaneException)
        {
            await Answers.WriteAsync(http, Refusal.NotFound("site_not_found", $"there is no {lane.Name.Replace("site/", "site ", StringComparison.Ordinal)} here"));
        }
    }
}
