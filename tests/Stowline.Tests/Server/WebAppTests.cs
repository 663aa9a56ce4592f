using System.IO.Compression;
using System.Text;

namespace Stowline.Tests.Server;

/// Goal: the screens are served compressed and cached for ever where their name has a hash, and never stand in for the API. Method: a small built folder.
[Trait("Needs", "server")]
public sealed class WebAppTests : IDisposable
{
    private const string Script = "/assets/index-abc123.js";
    private readonly string _folder = Directory.CreateTempSubdirectory("stowline-web-").FullName;

    public WebAppTests()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "assets"));
        File.WriteAllText(Path.Combine(_folder, "index.html"), "<!doctype html><title>page</title>");
        File.WriteAllText(Path.Combine(_folder, Script[1..]), "run()");
        using var zip = new GZipStream(File.Create(Path.Combine(_folder, Script[1..] + ".gz")), CompressionLevel.SmallestSize);
        zip.Write(Encoding.UTF8.GetBytes("run()"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("/")]
    [InlineData("/orders")]
    [InlineData("/orders/web:1")]
    [InlineData("/stock?sku=A")]
    public async Task Screens_answer_with_the_page_and_are_asked_for_each_time(string path)
    {
        await using var node = await ServerNode.StartAsync(web: _folder);
        var answer = await node.SendAsync("GET", path);
        Assert.Equal((200, "text/html", "no-cache"), ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, answer.Headers.CacheControl?.ToString()));
        Assert.StartsWith("default-src 'self';", answer.Headers.GetValues("Content-Security-Policy").Single());
        var again = await node.SendAsync("GET", path, headers: ("If-None-Match", answer.Headers.ETag!.Tag));
        Assert.Equal(304, (int)again.StatusCode);
    }

    [Theory]
    [InlineData("/api/v1/nothing")]
    [InlineData("/api")]
    [InlineData("/nothing")]
    [InlineData("/assets/gone.js")]
    [InlineData("/assets/../index.html.gz")]
    [InlineData("/orders/1/nothing")]
    public async Task Unknown_addresses_stay_problem_documents(string path)
    {
        await using var node = await ServerNode.StartAsync(web: _folder);
        var answer = await node.SendAsync("GET", path, headers: ("Accept", "text/html"));
        Assert.Equal((404, "application/problem+json"), ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
    }

    [Fact]
    public async Task Hashed_files_come_compressed_and_are_kept_for_ever()
    {
        await using var node = await ServerNode.StartAsync(web: _folder);
        var zipped = await node.SendAsync("GET", Script, headers: ("Accept-Encoding", "br, gzip"));
        Assert.Equal("gzip", zipped.Content.Headers.ContentEncoding.Single());
        Assert.Contains("immutable", zipped.Headers.CacheControl!.ToString());
        using var unzipped = new StreamReader(new GZipStream(await zipped.Content.ReadAsStreamAsync(), CompressionMode.Decompress));
        Assert.Equal("run()", await unzipped.ReadToEndAsync());
        foreach (var accept in new[] { "identity", "gzip;q=0", "br" })
        {
            var plain = await node.SendAsync("GET", Script, headers: ("Accept-Encoding", accept));
            Assert.Empty(plain.Content.Headers.ContentEncoding);
            Assert.Equal("run()", await plain.Content.ReadAsStringAsync());
        }
        var head = await node.SendAsync("HEAD", Script);
        Assert.Equal((200, 5L), ((int)head.StatusCode, head.Content.Headers.ContentLength));
    }

    [Fact]
    public async Task Without_a_key_the_screens_open_and_the_data_does_not()
    {
        await using var node = await ServerNode.StartAsync(web: _folder, auth: "keys");
        foreach (var path in new[] { "/", "/orders/1", Script }) Assert.Equal(200, (int)(await node.SendAsync("GET", path)).StatusCode);
        foreach (var path in new[] { "/api/v1/orders", "/live", "/metrics", "/nothing" }) Assert.Equal(401, (int)(await node.SendAsync("GET", path)).StatusCode);
    }

    [Fact]
    public async Task Where_nothing_is_built_the_node_runs_and_the_page_says_so()
    {
        await using var node = await ServerNode.StartAsync(web: Path.Combine(_folder, "none"));
        Assert.Contains("not built", await node.Http.GetStringAsync("/"));
        Assert.Equal(200, (int)(await node.SendAsync("GET", "/api/v1/orders")).StatusCode);
        Assert.Equal(404, (int)(await node.SendAsync("GET", Script)).StatusCode);
    }
}
