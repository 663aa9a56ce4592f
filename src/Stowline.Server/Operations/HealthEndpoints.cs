using Stowline.Log;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Server.Telemetry;

namespace Stowline.Server.Operations;

/// <summary>For whoever runs the node: is it alive, can it work, and in numbers.</summary>
internal static class HealthEndpoints
{
    private sealed record Health(string Status);

    public static void Map(IEndpointRouteBuilder app, Node node, MetricsText metrics)
    {
        // Alive says nothing about the database: restarting the process would not bring that back.
        app.Get("/health/live", http => Answers.WriteAsync<Health>(http, new Health("alive")));
        app.Get("/health/ready", async http =>
        {
            if (node.IsStopping)
            {
                await Answers.WriteAsync(http, Refusal.Unavailable("shutting_down", "this node is stopping", 2));
                return;
            }
            await node.Database.ReadAsync(async session => await LaneReader.LanesAsync(session), http.RequestAborted);
            await Answers.WriteAsync<Health>(http, new Health("ready"));
        });
        app.Get("/metrics", async http => await Answers.WriteBytesAsync(http, 200, null, await metrics.WriteAsync(http.RequestAborted), "text/plain; version=0.0.4; charset=utf-8"));
    }
}
