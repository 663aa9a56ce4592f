using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Stowline.Adapters.Kafka;
using Stowline.Adapters.RabbitMq;
using Stowline.Adapters.Redis;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Hub.Access;
using Stowline.Hub.Alerts;
using Stowline.Hub.Channels;
using Stowline.Hub.Hooks;
using Stowline.Server.Csv;
using Stowline.Server.Grpc;
using Stowline.Server.Link;
using Stowline.Server.OpenApi;
using Stowline.Server.Live;
using Stowline.Server.Operations;
using Stowline.Server.Telemetry;
using Stowline.Server.Web;
using Stowline.Site.Shipping.Carriers;

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
    private readonly LiveFeeds _feeds;
    private readonly NodeTelemetry _telemetry;

    static ServerHost() => ActivitySource.AddActivityListener(Tracing);

    private ServerHost(WebApplication app, Node node, LiveFeeds feeds, NodeTelemetry telemetry) => (_app, _node, _feeds, _telemetry) = (app, node, feeds, telemetry);

    public ILogger Logger => _app.Logger;

    /// <summary>Where it listens, with the real port, once it has started.</summary>
    public string Url => _app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();

    /// <param name="more">Further endpoints on <c>/api/v1</c>: for tests.</param>
    /// <param name="liveQueue">How many events may wait for a live client before it is cut off.</param>
    /// <param name="web">The folder of the built screens; beside the executable where nothing is said.</param>
    /// <exception cref="CommandRefusedException">The configuration would let anybody in.</exception>
    public static ServerHost Build(Node node, Configuration configuration, Action<IEndpointRouteBuilder>? more = null, int liveQueue = LiveFeeds.DefaultQueue,
        string? web = null)
    {
        var address = ListenAddress(configuration);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "stowline", ContentRootPath = AppContext.BaseDirectory });
        var door = new Http2Door(node.Time);
        Logs.Register(builder.Logging, configuration);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(o => Limit(o, door, address, configuration.Port));
        builder.Services.AddSingleton<IConnectionListenerFactory>(door);
        builder.Services.AddSingleton(node.Lanes.Meter.Get<GrpcMetrics>());
        builder.Services.AddRoutingCore();
        ApiDescription.Register(builder.Services);
        // The command line owns the signals.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(20));
        var feeds = new LiveFeeds(node, liveQueue);
        LiveEndpoint.AddServices(builder.Services, feeds);
        var app = builder.Build();
        node.Add(feeds);
        if (!node.Role.IsHub && configuration.Kafka.Length + configuration.Redis.Length + configuration.Rabbitmq.Length > 0)
            throw new CommandRefusedException("orders come and go by brokers at the hub, and this is the node of a site");
        if (configuration.Kafka.Length > 0)
        {
            foreach (var pump in KafkaPumps.Of(node, KafkaSettings.Parse(configuration.Kafka))) node.Add(pump);
            if (KafkaNative.Missing is { } missing) app.Logger.LogWarning("{Missing}", missing);
        }
        if (configuration.Redis.Length > 0)
            foreach (var pump in RedisPumps.Of(node, RedisSettings.Parse(configuration.Redis))) node.Add(pump);
        if (configuration.Rabbitmq.Length > 0)
            foreach (var pump in RabbitPumps.Of(node, RabbitSettings.Parse(configuration.Rabbitmq))) node.Add(pump);
        var started = node.Time.GetUtcNow();
        node.StuckRules = configuration.Stuck;
        node.ReservationsKept = configuration.ReservationsKept;
        if (node.Modules.OfType<HooksModule>().FirstOrDefault() is { } hooks) hooks.Target.AllowPrivate = configuration.WebhooksAllowPrivate;
        if (node.Modules.OfType<CarrierModule>().FirstOrDefault() is { } carriers) carriers.Target.AllowPrivate = configuration.CarriersAllowPrivate;
        if (node.Modules.OfType<ChannelsModule>().FirstOrDefault() is { } channels) (channels.Target.AllowPrivate, channels.Sync) = (configuration.WebhooksAllowPrivate, configuration.StockSync);
        var logs = app.Services.GetRequiredService<ILoggerFactory>();
        node.DataFolder = configuration.IsPostgres ? configuration.Data : Path.GetDirectoryName(Path.GetFullPath(configuration.SqlitePath))!;
        node.Secrets = configuration.SecretsKey is { } key ? SecretBox.Of(key) : SecretBox.InFile(Path.Combine(node.DataFolder, "secrets.key"));
        var disk = new Disk(node.DataFolder);
        var telemetry = new NodeTelemetry(node, configuration, disk, () => feeds.Clients, logs);
        var gate = configuration.Auth == "keys" ? new KeyGate(node, node.Modules.OfType<AccessModule>().Single().Ring) : null;
        var access = node.Modules.OfType<AccessModule>().SingleOrDefault();
        var tiers = configuration.RateLimits ?? (gate is null ? RateTiers.Off : RateTiers.Standard);
        if (access is not null) access.Tiers = tiers;
        var guard = new Guard(node, telemetry.Metrics, gate, RateGate.Make(node, tiers), logs.CreateLogger("Stowline.Http"));
        app.Lifetime.ApplicationStopped.Register(feeds.Dispose);
        if (configuration.TrustedProxies.Any) app.UseForwardedHeaders(configuration.TrustedProxies.Options);
        app.Use(next => http => guard.InvokeAsync(http, next));
        app.Use(next => http => CsvLists.InvokeAsync(http, next));
        app.Use(next => http => http.Request.Path.StartsWithSegments(LiveEndpoint.Path) ? feeds.DuringSocketAsync(() => next(http)) : next(http));
        HealthEndpoints.Map(app, node, telemetry.Text);
        ApiDescription.Map(app);
        WebApp.Read(web ?? Path.Combine(AppContext.BaseDirectory, "web")).Map(app);
        var api = app.MapGroup("/api/v1");
        var around = new StatusEndpoints.Around(configuration.Node, disk, () => feeds.Clients, started);
        node.Add(new AlertWatch(node, around));
        if (configuration.Telegram is { } telegram) node.Add(new AlertTelegram(node, telegram));
        StatusEndpoints.Map(api, node, around);
        ParkedEndpoints.Map(api, node);
        EventEndpoints.Map(api, node);
        if (node.Role.IsHub)
        {
            ErasureEndpoint.Map(api, node);
            OverviewEndpoint.Map(api, node);
            CsvEndpoints.Map(api, node);
        }
        foreach (var module in node.Modules) module.Map(api, node);
        more?.Invoke(api);
        LiveEndpoint.Map(app);
        GrpcEndpoints.Map(app, node);
        if (node.Role.IsHub) LinkEndpoint.Map(app, node, configuration.Node);
        else if (LinkClient.Make(node, configuration, logs.CreateLogger("Stowline.Link")) is { } link) node.Add(link);
        return new ServerHost(app, node, feeds, telemetry);
    }

    /// <summary>Starts the pumps, then takes requests.</summary>
    public async Task StartAsync(CancellationToken ct = default)
    {
        var log = _app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Stowline.Pumps");
        _node.Start((pump, e) => log.LogError(e, "{Pump} failed and will be tried again", pump.Name));
        await _app.StartAsync(ct);
    }

    /// <summary>Takes no more requests and waits for those that were taken.</summary>
    public async Task StopAsync()
    {
        _node.BeginStopping();
        await _feeds.CloseAllAsync();
        await _app.StopAsync();
    }

    /// <summary>What is still to be sent to a collector is sent, but a collector that is away does not hold the end up.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _telemetry.Dispose();
    }

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
