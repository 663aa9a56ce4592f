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
