using System.Text.Json;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;

namespace Stowline.Server.Live;

/// <summary>What a client may call on <c>/live</c>.</summary>
public sealed class LiveHub : Microsoft.AspNetCore.SignalR.Hub
{
    private readonly LiveFeeds _feeds;

    internal LiveHub(LiveFeeds feeds) => _feeds = feeds;

    private LiveConnection Connection => (LiveConnection)Context.Items[typeof(LiveConnection)]!;

    /// <summary>Follows a topic: from a position that it gave before, else from now with a snapshot first.</summary>
    public Task Subscribe(string? topic, JsonElement? afterPosition) => _feeds.SubscribeAsync(Connection, LiveTopic.Parse(topic),
        afterPosition is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined) } ? afterPosition : null);

    public void Unsubscribe(string? topic) => _feeds.Unsubscribe(Connection, LiveTopic.Parse(topic).Name);
}

/// <summary>Makes the hub, whose constructor is not for others.</summary>
internal sealed class LiveHubActivator(LiveFeeds feeds) : IHubActivator<LiveHub>
{
    public LiveHub Create() => new(feeds);
    public void Release(LiveHub hub) => hub.Dispose();
}

/// <summary>Gives each connection its queue when it opens, and takes it off every feed when it closes.</summary>
internal sealed class LiveConnections(LiveFeeds feeds, ILogger<DefaultHubLifetimeManager<LiveHub>> log) : DefaultHubLifetimeManager<LiveHub>(log)
{
    public override async Task OnConnectedAsync(HubConnectionContext connection)
    {
        var live = await feeds.OpenAsync(connection);
        connection.Items[typeof(LiveConnection)] = live;
        _ = Task.Run(live.RunAsync);
        await base.OnConnectedAsync(connection);
    }

    public override Task OnDisconnectedAsync(HubConnectionContext connection)
    {
        if (connection.Items.TryGetValue(typeof(LiveConnection), out var live)) feeds.Closed((LiveConnection)live!);
        return base.OnDisconnectedAsync(connection);
    }
}

/// <summary>Puts <c>/live</c> into the server.</summary>
internal static class LiveEndpoint
{
    public const string Path = "/live";

    public static void AddServices(IServiceCollection services, LiveFeeds feeds)
    {
        services.AddSignalR();
        services.AddSingleton(feeds);
        services.AddSingleton<IHubActivator<LiveHub>, LiveHubActivator>();
        services.AddSingleton<HubLifetimeManager<LiveHub>, LiveConnections>();
        services.AddSingleton<IHubProtocol, LiveProtocol>(); // the last one named json wins
    }

    public static void Map(IEndpointRouteBuilder app) => app.MapHub<LiveHub>(Path, o => o.Transports = HttpTransportType.WebSockets);
}
