using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Stowline.Http;

/// <summary>
/// What a path names: SKUs, codes and the orders' ids of channels may have slashes in them, which are sent as <c>%2F</c>. The server decodes everything
/// of a path but these, because they would change it, and then cannot tell them from a name with the text <c>%2F</c> in it, which is sent as <c>%252F</c>.
/// </summary>
public static class PathValues
{
    /// <summary>Puts what was meant into the route values, for whoever reads them: before the key is checked and the handler called.</summary>
    public static void Decode(HttpContext http)
    {
        if (http.Request.Path.Value?.Contains("%2F", StringComparison.OrdinalIgnoreCase) != true || http.GetEndpoint() is not RouteEndpoint endpoint) return;
        var values = http.Request.RouteValues;
        var (sent, segments) = (Sent(http), endpoint.RoutePattern.PathSegments);
        for (var i = 0; i < segments.Count; i++)
            if (segments[i].Parts is [RoutePatternParameterPart { IsCatchAll: false } part] && values[part.Name] is string text)
                values[part.Name] = sent is null ? text.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase) : Uri.UnescapeDataString(sent[i + 1]);
    }

    /// <summary>The path's segments as they were sent; null where the server has made another path of them (<c>/a/../b</c>, or a whole URL).</summary>
    private static string[]? Sent(HttpContext http)
    {
        var target = http.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var sent = target.Split('?')[0].Split('/');
        return sent.Length == http.Request.Path.Value!.Split('/').Length && sent[0].Length == 0 ? sent : null;
    }
}
