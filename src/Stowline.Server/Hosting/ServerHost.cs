using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Console;
using Stowline.Adapters.Kafka;
using Stowline.Http;
using Stowline.Hub.Access;
using Stowline.Server.Grpc;
using Stowline.Server.OpenApi;
using Stowline.Server.Live;
using Stowline.Server.Operations;
using Stowline.Server.Telemetry;

namespace Stowline.Server.Hosting;

/// <summary>
/// HTTP over a node: Kestrel, the guard around every request, the modules' endpoints, and the node's pumps. Tests and the command line
/// build the same host.
/// </summary>
public sealed class ServerHost : IAsyncDisposable
{
    private static readonly ActivityListener Tracing = new()
    {
        // Without a listener ASP.NET Core makes no activity. This one asks for the ids only, which costs next to nothing; an exporter that
        // listens as well gets what it asks for.
        ShouldListenTo = source => source.Name == "Microsoft.AspNetCore",
        Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.PropagationData,
    };

    private readonly WebApplication _app;
    private readonly Node _node;

    static ServerHost() => ActivitySource.AddActivityListener(Tracing);

    private ServerHost(WebApplication app, Node node) => (_app, _node) = (app, node);

    public ILogger Logger => _app.Logger;

    /// <summary>Where it listens, with the real port, once it has started.</summary>
    public string Url => _app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();

    /// <param name="more">Further endpoints on <c>/api/v1</c>: for tests.</param>
    /// <param name="liveQueue">How many frames may wait for a live client before it is cut off.</param>
    /// <exception cref="CommandRefusedException">The configuration would let anybody in.</exception>
    public static ServerHost Build(Node node, Configuration configuration, Action<IEndpointRouteBuilder>? more = null, int liveQueue = 1024)
    {
        var address = ListenAddress(configuration);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "stowline", ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Stowline", LogLevel.Information)
            .AddJsonConsole(o => { o.UseUtcTimestamp = true; o.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'"; })
            .Services.Configure<ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        // The host would log each request's scope, and the guard logs what fails: this saves both the work and the noise.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        var door = new Http2Door(node.Time);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(o => Limit(o, door, address, configuration.Port));
        builder.Services.AddSingleton<IConnectionListenerFactory>(door);
        builder.Services.AddRoutingCore();
        ApiDescription.Register(builder.Services);
        // The command line owns the signals.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(20));
        var feeds = new LiveFeeds(node, liveQueue);
        LiveEndpoint.AddServices(builder.Services, feeds);
        var app = builder.Build();
        node.Add(feeds);
        if (configuration.Kafka.Length > 0)
        {
            foreach (var pump in KafkaPumps.Of(node, KafkaSettings.Parse(configuration.Kafka))) node.Add(pump);
            if (KafkaNative.Missing is { } missing) app.Logger.LogWarning("{Missing}", missing);
        }
        var started = node.Time.GetUtcNow();
        var metrics = new MetricsText(node);
        app.Lifetime.ApplicationStopped.Register(metrics.Dispose);
        var gate = configuration.Auth == "keys" ? new KeyGate(node, node.Modules.OfType<AccessModule>().Single().Ring) : null;
        var guard = new Guard(node, metrics, gate, app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Stowline.Http"));
        app.Lifetime.ApplicationStopped.Register(feeds.Dispose);
        app.Use(next => http => guard.InvokeAsync(http, next));
        HealthEndpoints.Map(app, node, metrics);
        ApiDescription.Map(app);
        var api = app.MapGroup("/api/v1");
        StatusEndpoints.Map(api, node, started);
        ParkedEndpoints.Map(api, node);
        EventEndpoints.Map(api, node);
        ErasureEndpoint.Map(api, node);
        foreach (var module in node.Modules) module.Map(api, node);
        more?.Invoke(api);
        LiveEndpoint.Map(app);
        GrpcEndpoints.Map(app, node);
        return new ServerHost(app, node);
    }

    /// <summary>Starts the pumps, then takes requests.</summary>
    public async Task StartAsync(CancellationToken ct = default)
    {
        var log = _app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Stowline.Pumps");
        _node.Start((pump, e) => log.LogError(e, "{Pump} failed and will be tried again", pump.Name));
        await _app.StartAsync(ct);
    }

    /// <summary>Takes no more requests and waits for those that were taken.</summary>
    public Task StopAsync() => _app.StopAsync();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static IPAddress ListenAddress(Configuration configuration)
    {
        var address = configuration.Listen == "localhost" ? IPAddress.Loopback
            : IPAddress.TryParse(configuration.Listen, out var parsed) ? parsed : throw new CommandRefusedException($"'{configuration.Listen}' is no address to listen on");
        if (configuration.Auth != "keys" && !IPAddress.IsLoopback(address))
            throw new CommandRefusedException($"with auth=off anybody who reaches {address} could do anything; listen on 127.0.0.1, or use auth=keys");
        return address;
    }

    private static void Limit(KestrelServerOptions kestrel, Http2Door door, IPAddress address, int port)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = Requests.BodyLimit; // bulk calls raise it for themselves
        kestrel.Limits.Http2.MaxStreamsPerConnection = 1000; // one client library opens one connection for all that it does
        door.Listen(kestrel, address, port);
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken ct) => Task.CompletedTask;
        public Task StopAsync(CancellationToken ct) => Task.CompletedTask;
    }
}
