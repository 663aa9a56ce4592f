using System.Reflection;
using Google.Protobuf;
using Stowline.Http;
using Stowline.Kernel;

namespace Stowline.Server.Grpc;

/// <summary>Puts the gRPC services into the server, and their definitions under <c>/proto</c>.</summary>
internal static class GrpcEndpoints
{
    private const string Resource = "proto/";

    /// <summary>The definitions that this node serves, by file name.</summary>
    public static IReadOnlyList<string> ProtoFiles { get; } =
        [.. Definitions.GetManifestResourceNames().Where(n => n.StartsWith(Resource, StringComparison.Ordinal)).Select(n => n[Resource.Length..]).Order(StringComparer.Ordinal)];

    private static Assembly Definitions => typeof(Protocol.OrderEvent).Assembly;

    public static void Map(IEndpointRouteBuilder app, Node node)
    {
        new OrderService(node).Map(new GrpcService(app, node.Time, "stowline.v1.OrderService"));
        new WarehouseService(node).Map(new GrpcService(app, node.Time, "stowline.v1.WarehouseService"));
        new HealthService(node).Map(new GrpcService(app, node.Time, HealthService.Name));
        app.MapGet("/proto", (HttpContext http) => Answers.WriteAsync<Page<string>>(http, new Page<string>([.. ProtoFiles.Select(f => "/proto/" + f)], null))).ExcludeFromDescription();
        app.MapGet("/proto/{file}", WriteProtoAsync).ExcludeFromDescription();
    }

    private static async Task WriteProtoAsync(HttpContext http, string file)
    {
        if (!ProtoFiles.Contains(file)) { await Answers.WriteAsync(http, Refusal.NotFound("not_found", $"there is no {file}; see /proto")); return; }
        await using var stream = Definitions.GetManifestResourceStream(Resource + file)!;
        http.Response.ContentType = "text/plain; charset=utf-8";
        http.Response.ContentLength = stream.Length;
        await stream.CopyToAsync(http.Response.Body, http.RequestAborted);
    }
}

/// <summary>The methods of one service, each a route <c>/package.Service/Method</c>.</summary>
internal sealed class GrpcService(IEndpointRouteBuilder app, TimeProvider time, string name)
{
    public void Unary<TRequest, TResponse>(string method, MessageParser<TRequest> parser, Func<TRequest, ServerCallContext, Task<TResponse>> run)
        where TRequest : class, IMessage<TRequest> where TResponse : IMessage =>
        app.MapPost($"/{name}/{method}", (HttpContext http) => GrpcCalls.UnaryAsync(http, time, parser, run)).ExcludeFromDescription();

    public void ServerStream<TRequest, TResponse>(string method, MessageParser<TRequest> parser, Func<TRequest, IServerStreamWriter<TResponse>, ServerCallContext, Task> run)
        where TRequest : class, IMessage<TRequest> where TResponse : IMessage =>
        app.MapPost($"/{name}/{method}", (HttpContext http) => GrpcCalls.StreamAsync(http, time, parser, run)).ExcludeFromDescription().WithMetadata(new GrpcCalls.Streams());
}
