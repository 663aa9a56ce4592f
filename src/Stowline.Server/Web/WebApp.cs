using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Net.Http.Headers;
using Stowline.Http;

namespace Stowline.Server.Web;

/// <summary>Marks the endpoints of the screens: files without data, open to everybody.</summary>
internal sealed record WebPage;

/// <summary>
/// The built screens (<c>src/web</c>), read into memory when the node starts: what happens to the folder later changes nothing. Each file lies
/// there compressed already, as the build made it. Only the addresses of screens answer with the page; anything else that is unknown stays
/// a problem document.
/// </summary>
internal sealed class WebApp
{
    private sealed record Encoded(string? Name, byte[] Bytes, string Tag);
    private sealed record WebFile(string Type, IReadOnlyList<Encoded> Encodings);

    /// <summary>The screens; the names in braces are read by the page.</summary>
    private static readonly string[] Screens = ["/", "/orders", "/orders/{id}", "/stock", "/m", "/kitchen/{site}", "/pack", "/floor/{site}", "/routing", "/links", "/channels", "/webhooks", "/setup", "/counts", "/transfers"];

    /// <summary>Styles are made while the page runs (Ant Design), so they may be inline; scripts may not.</summary>
    private const string PagePolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    private static readonly (string Name, string Suffix)[] Compressed = [("br", ".br"), ("gzip", ".gz")];

    private readonly Dictionary<string, WebFile> _files;

    private WebApp(Dictionary<string, WebFile> files) => _files = files;

    /// <summary>Reads a folder. One that is not there is no error: the node then serves its API and says what is missing.</summary>
    public static WebApp Read(string folder)
    {
        var files = new Dictionary<string, WebFile>(StringComparer.Ordinal);
        if (!File.Exists(Path.Combine(folder, "index.html"))) return new WebApp(files);
        var types = new FileExtensionContentTypeProvider();
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            if (Compressed.Any(c => path.EndsWith(c.Suffix, StringComparison.Ordinal))) continue;
            var type = types.TryGetContentType(path, out var known) ? known : "application/octet-stream";
            if (type.StartsWith("text/", StringComparison.Ordinal)) type += "; charset=utf-8";
            var encodings = Compressed.Where(c => File.Exists(path + c.Suffix)).Select(c => Load(c.Name, path + c.Suffix)).Append(Load(null, path));
            files["/" + Path.GetRelativePath(folder, path).Replace('\\', '/')] = new WebFile(type, [.. encodings]);
        }
        return new WebApp(files);
    }

    private static Encoded Load(string? name, string path)
    {
        var bytes = File.ReadAllBytes(path);
        return new Encoded(name, bytes, $"\"{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes))[..16]}\"");
    }

    public void Map(IEndpointRouteBuilder app)
    {
        foreach (var screen in Screens) Page(app, screen, _files.Count == 0 ? NotBuiltAsync : http => WriteAsync(http, _files["/index.html"], "no-cache"));
        // One endpoint per file: no pattern that could catch what is not there.
        foreach (var (path, file) in _files)
        {
            if (path == "/index.html") continue;
            // The build puts a hash of the contents into the names below /assets.
            var caching = path.StartsWith("/assets/", StringComparison.Ordinal) ? "public, max-age=31536000, immutable" : "no-cache";
            Page(app, path, http => WriteAsync(http, file, caching));
        }
    }

    private static void Page(IEndpointRouteBuilder app, string pattern, RequestDelegate handler) =>
        app.MapMethods(pattern, [HttpMethods.Get, HttpMethods.Head], handler).WithMetadata(new WebPage()).ExcludeFromDescription();

    private static Task WriteAsync(HttpContext http, WebFile file, string caching)
    {
        var encoded = Choose(http.Request, file.Encodings);
        var headers = http.Response.Headers;
        headers.CacheControl = caching;
        headers.ETag = encoded.Tag;
        headers.XContentTypeOptions = "nosniff";
        if (file.Encodings.Count > 1) headers.Vary = HeaderNames.AcceptEncoding;
        if (file.Type.StartsWith("text/html", StringComparison.Ordinal)) headers.ContentSecurityPolicy = PagePolicy;
        if (http.Request.Headers.IfNoneMatch.ToString().Contains(encoded.Tag, StringComparison.Ordinal))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }
        if (encoded.Name is not null) headers.ContentEncoding = encoded.Name;
        http.Response.ContentType = file.Type;
        http.Response.ContentLength = encoded.Bytes.Length;
        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask : http.Response.Body.WriteAsync(encoded.Bytes).AsTask();
    }

    /// <summary>The smallest form that the browser takes; the last one is not compressed and everybody takes it.</summary>
    private static Encoded Choose(HttpRequest request, IReadOnlyList<Encoded> encodings)
    {
        var accepted = request.GetTypedHeaders().AcceptEncoding;
        return encodings.FirstOrDefault(e => accepted.Any(a => a.Quality is not 0 && a.Value.Equals(e.Name, StringComparison.OrdinalIgnoreCase))) ?? encodings[^1];
    }

    private static Task NotBuiltAsync(HttpContext http)
    {
        http.Response.Headers.CacheControl = "no-store";
        return Answers.WriteBytesAsync(http, 200, null, """
            <!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Stowline</title>
            <body style="font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark">
            <h1>The screens are not built</h1>
            <p>This node runs and serves its API, but its web app was not built with it. Install Node.js 20.19 or newer (with npm) and start the node again
            with <code>./run</code>, which builds it.</p><p><a href="/docs">API reference</a></p></body></html>

            """u8.ToArray(), "text/html; charset=utf-8");
    }
}
