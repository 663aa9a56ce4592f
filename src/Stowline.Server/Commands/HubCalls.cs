using System.Net.Http.Headers;
using System.Text.Json;
using Stowline.Hub.Catalog;
using Stowline.Server.Link;

namespace Stowline.Server.Commands;

/// <summary>What the command line asks of a hub that runs. Each call answers null when nobody answers there.</summary>
/// <param name="key">One with the scope admin; null where the hub asks for none.</param>
internal sealed class HubCalls(Uri hub, string? key) : IDisposable
{
    // A large site is long in coming, and the hub reads all of it before it sends the first byte.
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromMinutes(30) };

    public Uri Hub => hub;

    public async Task<JoinedSite?> JoinAsync(string site, CancellationToken ct)
    {
        using var answer = await SendAsync(HttpMethod.Post, Of(site, "join"), ct);
        if (answer is null) return null;
        using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(ct));
        var joined = document.RootElement;
        return new JoinedSite(joined.GetProperty("site").GetString()!, joined.GetProperty("number").GetInt32(), joined.GetProperty("key").GetString()!);
    }

    /// <summary>Moves a site out, and brings what its node begins with into a file.</summary>
    public async Task<MovedOutSite?> MoveOutAsync(string site, string path, CancellationToken ct)
    {
        MovedOutSite moved;
        using (var answer = await SendAsync(HttpMethod.Post, Of(site, "move-out"), ct))
        {
            if (answer is null) return null;
            using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(ct));
            var told = document.RootElement;
            moved = new MovedOutSite(told.GetProperty("site").GetString()!, told.GetProperty("number").GetInt32(), told.GetProperty("key").GetString()!, told.GetProperty("moved_at").GetDateTimeOffset());
        }
        using var data = await SendAsync(HttpMethod.Get, Of(site, "move-out"), ct)
            ?? throw new CommandRefusedException($"the hub at {hub} has gone since it handed {site} over; nothing is lost: give this command again");
        await using var file = SiteTarget.Create(path);
        await data.Content.CopyToAsync(file, ct);
        return moved;
    }

    /// <summary>Brings what the node of a joined site begins with into a file; the key is that node's. False when nobody answers.</summary>
    public async Task<bool> BeginAsync(string path, CancellationToken ct)
    {
        using var data = await SendAsync(HttpMethod.Get, LinkEndpoint.AddressAt(hub, LinkEndpoint.BeginningPath), ct);
        if (data is null) return false;
        await using var file = SiteTarget.Create(path);
        await data.Content.CopyToAsync(file, ct);
        return true;
    }

    private Uri Of(string site, string what) => new(hub, $"/api/v1/sites/{Uri.EscapeDataString(site)}/{what}");

    private async Task<HttpResponseMessage?> SendAsync(HttpMethod method, Uri address, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, address);
        if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        HttpResponseMessage answer;
        try
        {
            answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError)
        {
            return null;
        }
        if (answer.IsSuccessStatusCode) return answer;
        using (answer) throw new CommandRefusedException($"the hub at {hub} refuses: {Detail(await answer.Content.ReadAsStringAsync(ct)) ?? answer.ReasonPhrase}");
    }

    private static string? Detail(string problem)
    {
        try
        {
            using var document = JsonDocument.Parse(problem);
            return document.RootElement.TryGetProperty("detail", out var detail) ? detail.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public void Dispose() => _http.Dispose();
}
