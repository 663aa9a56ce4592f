using System.Text.Json;
using Google.Protobuf;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Server.Grpc;

/// <summary>From a message to a command to an answer: what <see cref="Commands"/> is for HTTP. The metadata are REST's headers by their names.</summary>
internal static class Commanding
{
    /// <summary>Who calls: key or Stowline-Actor, trace, and Idempotency-Key.</summary>
    public static Caller CallerOf(this ServerCallContext call, IMessage request)
    {
        var caller = Requests.CallerOf(call.GetHttpContext(), request.ToByteArray);
        return caller.Refusal is { } bad ? throw new RpcException(bad) : caller.Value;
    }

    /// <summary>Decides in the lane's scope and answers the value.</summary>
    /// <exception cref="RpcException">It was refused.</exception>
    public static async Task<T> DecideAsync<T>(this ServerCallContext call, Node node, IMessage request, Lane lane, Func<LaneTransaction, ValueTask<Outcome<T>>> decide, int hops = 1)
    {
        var render = Answers.Json<T>();
        try
        {
            return call.Take(await node.Lanes.ExecuteAsync(lane, call.CallerOf(request), decide, o => Answers.Keep(o, render), hops, call.CancellationToken)).Value;
        }
        catch (UnknownLaneException)
        {
            throw new RpcException(Refusal.NotFound("site_not_found", $"{lane} is not here"));
        }
    }

    /// <summary>What a command gave; an answer that was kept with an idempotency key is read again.</summary>
    /// <exception cref="RpcException">It was refused.</exception>
    public static (T Value, bool Existing) Take<T>(this ServerCallContext call, CommandResult<T> result)
    {
        if (result.Pending) call.AddTrailer("stowline-pending", "true");
        if (!result.Replayed) return result.Outcome.Refusal is { } no ? throw new RpcException(no) : (result.Outcome.Value, result.Outcome.Existing);
        call.AddTrailer("idempotent-replayed", "true");
        var kept = result.Answer!;
        if (kept.Status < 400) return (JsonSerializer.Deserialize(kept.Body, HttpJson.Info<T>())!, true);
        using var problem = JsonDocument.Parse(kept.Body);
        throw new RpcException(Refusal.Conflict(problem.RootElement.GetProperty("code").GetString()!, problem.RootElement.GetProperty("detail").GetString()!));
    }

    public static T Or<T>(this T? value, Refusal refusal) where T : class => value ?? throw new RpcException(refusal);
}
