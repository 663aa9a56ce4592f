using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Stowline.Tests.Support;

/// <summary>A request as it was received.</summary>
public sealed record ReceivedRequest(string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Text => System.Text.Encoding.UTF8.GetString(Body);
}

/// <summary>Somebody else's HTTP server on a free loopback port: keeps what it was sent and answers as the test says.</summary>
public sealed class HookReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _gate = new();
    private readonly List<ReceivedRequest> _received = [];

    private HookReceiver(WebApplication app) => _app = app;

    /// <summary>The answer to a request; without one it is 204.</summary>
    public Func<ReceivedRequest, HttpResponse, Task>? Answer { get; set; }

    /// <summary>Answers all with a status and nothing else.</summary>
    public void AnswerWith(int status) => Answer = (_, response) =>
    {
        response.StatusCode = status;
        return Task.CompletedTask;
    };

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public IReadOnlyList<ReceivedRequest> Received
    {
        get { lock (_gate) return [.. _received]; }
    }

    public static async Task<HookReceiver> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0));
        var app = builder.Build();
        var receiver = new HookReceiver(app);
        app.Run(receiver.TakeAsync);
        await app.StartAsync();
        return receiver;
    }

    private async Task TakeAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        var request = new ReceivedRequest(http.Request.Path, http.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray());
        lock (_gate) _received.Add(request);
        http.Response.StatusCode = 204;
        if (Answer is { } answer) await answer(request, http.Response);
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(2)); // a test may leave requests hanging
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }
}
