using System.Net.Http.Headers;
using System.Net.Http.Json;
using Stowline.Http;

namespace Stowline.Server.Commands;

/// <summary>Asks a node that runs to do what a command of an operator says.</summary>
internal static class RunningNode
{
    /// <param name="key">One with the scope admin; null where the node asks for none.</param>
    /// <exception cref="CommandRefusedException">The address is none, or the node refuses; its problem document is in the message.</exception>
    public static async Task<T> PostAsync<TBody, T>(string address, string path, TBody body, string? key, CancellationToken ct)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var node) || node.Scheme is not ("http" or "https")) throw new CommandRefusedException("--url must be the node's address, http:// or https://");
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(60) };
        if (key is not null) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var answer = await http.PostAsJsonAsync(new Uri(node, path), body, HttpJson.Options, ct);
        if (answer.IsSuccessStatusCode) return (await answer.Content.ReadFromJsonAsync<T>(HttpJson.Options, ct))!;
        throw new CommandRefusedException($"the node refuses: {await answer.Content.ReadAsStringAsync(ct)}");
    }
}
