using System.Text.Json;
using Microsoft.AspNetCore.Http.Extensions;
using Stowline.Http;
using Stowline.Log;

namespace Stowline.Server.Csv;

/// <summary>
/// Lists as CSV without a server: the endpoint of the list is called as HTTP would call it, so that columns, filters and order are the same and
/// are written down once. The node only looks, so it may stand beside a running one.
/// </summary>
internal static class CsvExport
{
    /// <param name="List">The last word of the list's address: <c>orders</c>, or with a site <c>stock</c>.</param>
    public sealed record Wanted(string List, string? Site, IReadOnlyList<(string Name, string Value)> Filters);

    private sealed class ListRoutes(IServiceProvider services) : IEndpointRouteBuilder
    {
        public IServiceProvider ServiceProvider => services;
        public ICollection<EndpointDataSource> DataSources { get; } = [];
        public IApplicationBuilder CreateApplicationBuilder() => new ApplicationBuilder(services);
    }

    /// <summary>Writes the list; answers why not, where it was refused.</summary>
    /// <param name="node">One that only looks (see <see cref="Node.ForReading"/>).</param>
    public static async Task<string?> RunAsync(Node node, Wanted wanted, Stream output, CancellationToken ct)
    {
        foreach (var lane in await node.Database.ReadAsync(async s => await LaneReader.LanesAsync(s), ct))
            if (lane.Name.StartsWith("site/", StringComparison.Ordinal)) node.AddSite(lane.Name["site/".Length..]);
        await using var services = new ServiceCollection().AddLogging().AddRoutingCore().BuildServiceProvider();
        var routes = new ListRoutes(services);
        var api = routes.MapGroup("/api/v1");
        foreach (var module in node.Modules) module.Map(api, node);
        var lists = routes.DataSources.SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()
            .Where(e => CsvLists.IsList(e.Metadata) && e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Contains(HttpMethods.Get))
            .ToDictionary(e => e.RoutePattern.RawText!.Trim('/')["api/v1/".Length..], StringComparer.Ordinal);
        var below = lists.GetValueOrDefault("sites/{code}/" + wanted.List);
        if ((below ?? lists.GetValueOrDefault(wanted.List)) is not { } list)
            return $"there is no list {wanted.List}; there are {string.Join(", ", lists.Keys.Where(k => !k.Contains('{') || k.StartsWith("sites/{code}/", StringComparison.Ordinal)).Select(k => k.Split('/')[^1]).Order(StringComparer.Ordinal))}";
        if (below is not null && wanted.Site is null) return $"--site is required for {wanted.List}";
        string[] known = [.. list.Metadata.OfType<QueryParameter>().Select(q => q.Name).Where(n => n != "limit")];
        var asked = wanted.Filters.Select(f => f.Name).Concat(below is null && wanted.Site is not null ? ["site"] : []);
        if (asked.FirstOrDefault(f => !known.Contains(f, StringComparer.Ordinal)) is { } unknown)
            return $"the list {wanted.List} has no filter {unknown}; there are {string.Join(", ", known)}";
        return await AskAsync(list, wanted, below is not null, services, output, ct);
    }

    private static async Task<string?> AskAsync(RouteEndpoint list, Wanted wanted, bool isOfSite, IServiceProvider services, Stream output, CancellationToken ct)
    {
        var refused = new MemoryStream();
        var http = new DefaultHttpContext { RequestServices = services, RequestAborted = ct, Response = { Body = refused } };
        (http.Request.Method, http.Request.Path) = (HttpMethods.Get, "/api/v1/" + wanted.List);
        var query = new QueryBuilder(wanted.Filters.Select(f => KeyValuePair.Create(f.Name, f.Value)));
        if (isOfSite) http.Request.RouteValues["code"] = wanted.Site;
        else if (wanted.Site is { } site) query.Add("site", site);
        http.Request.QueryString = query.ToQueryString();
        http.SetEndpoint(list);
        await CsvLists.ExportAsync(http, list, output);
        return refused.Length == 0 ? null : JsonDocument.Parse(refused.ToArray()).RootElement.GetProperty("detail").GetString();
    }
}

/// <summary>Opens what it writes to with the first byte, and counts.</summary>
internal sealed class LateStream(Func<Stream> open) : Stream
{
    private Stream? _inner;

    public long Written { get; private set; }

    private Stream Inner => _inner ??= open();

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Flush() => _inner?.Flush();
    public override Task FlushAsync(CancellationToken ct) => _inner?.FlushAsync(ct) ?? Task.CompletedTask;

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Inner.Write(buffer);
        Written += buffer.Length;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken ct = default)
    {
        await Inner.WriteAsync(buffer, ct);
        Written += buffer.Length;
    }

    public override async ValueTask DisposeAsync()
    {
        if (_inner is not null) await _inner.DisposeAsync();
        await base.DisposeAsync();
    }
}
