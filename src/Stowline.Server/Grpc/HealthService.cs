using Stowline.Log;
using Stowline.Protocol.Health;
using ServingStatus = Stowline.Protocol.Health.HealthCheckResponse.Types.ServingStatus;

namespace Stowline.Server.Grpc;

/// <summary>grpc.health.v1.Health: the same answer as <c>/health/ready</c>, in the form that gRPC clients and load balancers ask for.</summary>
internal sealed class HealthService(Node node)
{
    public const string Name = "grpc.health.v1.Health";
    private static readonly string[] Known = ["", Name, "stowline.v1.OrderService", "stowline.v1.WarehouseService"];
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(5);

    public void Map(GrpcService service)
    {
        service.Unary("Check", HealthCheckRequest.Parser, CheckAsync);
        service.ServerStream<HealthCheckRequest, HealthCheckResponse>("Watch", HealthCheckRequest.Parser, WatchAsync);
    }

    public async Task<HealthCheckResponse> CheckAsync(HealthCheckRequest request, ServerCallContext call)
    {
        if (!Known.Contains(request.Service)) throw new RpcException(new Status(StatusCode.NotFound, $"there is no service {Shorten(request.Service)}"));
        return new HealthCheckResponse { Status = await StatusAsync(call.CancellationToken) };
    }

    public async Task WatchAsync(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> to, ServerCallContext call)
    {
        var told = ServingStatus.Unknown;
        while (true)
        {
            var now = Known.Contains(request.Service) ? await StatusAsync(call.CancellationToken) : ServingStatus.ServiceUnknown;
            if (now != told) await to.WriteAsync(new HealthCheckResponse { Status = told = now });
            await new Signal().WaitAsync(Between, node.Time, call.CancellationToken);
        }
    }

    private async Task<ServingStatus> StatusAsync(CancellationToken ct)
    {
        try
        {
            await node.Database.ReadAsync(async session => await LaneReader.LanesAsync(session), ct);
            return ServingStatus.Serving;
        }
        catch (Exception e) when (node.Database.IsInfrastructure(e))
        {
            return ServingStatus.NotServing;
        }
    }

    private static string Shorten(string name) => name.Length <= 100 ? name : name[..100] + "…";
}
