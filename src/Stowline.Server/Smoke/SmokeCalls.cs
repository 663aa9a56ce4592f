using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Stowline.Log;

namespace Stowline.Server.Smoke;

/// <summary>What an installation did not do as it should; the message says what was asked and what came.</summary>
internal sealed class SmokeException(string message) : Exception(message);

/// <summary>The API of a live installation, as any client calls it.</summary>
internal sealed class SmokeCalls(HttpClient http, TimeProvider time)
{
    private const int MostLooks = 40;
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(250);

    /// <summary>Names every POST of a run, so that a proxy that sends one twice does no harm.</summary>
    private int _calls;

    public string Run { get; init; } = "";

    public Task<JsonElement> GetAsync(string path, CancellationToken ct) => CallAsync(HttpMethod.Get, path, null, [200], ct);
    public Task<JsonElement> PutAsync(string path, JsonNode body, CancellationToken ct) => CallAsync(HttpMethod.Put, path, body, [200, 201], ct);
    public Task<JsonElement> PostAsync(string path, JsonNode? body, CancellationToken ct, int status = 0) => CallAsync(HttpMethod.Post, path, body, status == 0 ? [200, 201] : [status], ct);

    public async Task<JsonElement> CallAsync(HttpMethod method, string path, JsonNode? body, int[] wanted, CancellationToken ct)
    {
        var (status, text) = await SendAsync(method, "/api/v1/" + path, body, ct);
        if (!wanted.Contains(status)) throw new SmokeException($"{method} {path} answered {status}: {(text.Length > 400 ? text[..400] : text)}");
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement.Clone();
    }

    /// <summary>Any address of the installation, as text.</summary>
    public async Task<(int Status, string Text)> SendAsync(HttpMethod method, string path, JsonNode? body, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Stowline-Actor", "smoke");
        if (method == HttpMethod.Post) request.Headers.TryAddWithoutValidation("Idempotency-Key", $"smoke-{Run}-{++_calls}");
        if (body is not null) request.Content = new StringContent(body.ToJsonString(), new MediaTypeHeaderValue("application/json"));
        try
        {
            using var answer = await http.SendAsync(request, ct);
            return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(ct));
        }
        catch (HttpRequestException e)
        {
            throw new SmokeException($"{method} {path}: {e.Message}");
        }
        catch (TaskCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new SmokeException($"{method} {path}: no answer within {http.Timeout.TotalSeconds:0} s");
        }
    }

    /// <summary>Looks until there is something, for ten seconds at most: a busy installation's consumers may be a little behind its answers.</summary>
    public async Task<T> EventuallyAsync<T>(string what, Func<Task<T?>> look, CancellationToken ct) where T : class
    {
        for (var i = 0; i < MostLooks; i++)
        {
            if (await look() is { } found) return found;
            await new Signal().WaitAsync(Between, time, ct);
        }
        throw new SmokeException($"{what} did not come within {MostLooks * Between.TotalSeconds:0} s");
    }
}
