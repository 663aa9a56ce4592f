using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;

namespace Stowline.Bench;

/// <summary>How a call of <see cref="GrpcClient"/> ended.</summary>
/// <param name="Code">The problem's code, such as <c>insufficient_stock</c>; null where there is none.</param>
public sealed record GrpcAnswer<T>(int Status, string Message, string? Code, T? Value) where T : class
{
    public T Must() => Status == 0 ? Value! : throw new InvalidOperationException($"gRPC status {Status} {Code}: {Message}");
}

/// <summary>A unary gRPC client over HttpClient, HTTP/2 without TLS by prior knowledge: for benchmarks, and for tests that need no other's client.</summary>
public sealed class GrpcClient(Uri address) : IDisposable
{
    private static readonly MediaTypeHeaderValue Type = new("application/grpc");
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler { EnableMultipleHttp2Connections = true, UseCookies = false, AutomaticDecompression = DecompressionMethods.None });

    public async Task<GrpcAnswer<T>> CallAsync<T>(string method, IMessage request, MessageParser<T> parser, CancellationToken ct = default, params (string Name, string Value)[] metadata)
        where T : class, IMessage<T>
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, new Uri(address, method))
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(Frame(request)) { Headers = { ContentType = Type } },
        };
        message.Headers.TE.ParseAdd("trailers");
        foreach (var (name, value) in metadata) message.Headers.TryAddWithoutValidation(name, value);
        using var answer = await _http.SendAsync(message, ct);
        var body = await answer.Content.ReadAsByteArrayAsync(ct);
        string? Header(string name) => answer.TrailingHeaders.TryGetValues(name, out var late) ? late.First() : answer.Headers.TryGetValues(name, out var early) ? early.First() : null;
        var status = Header("grpc-status") is { } text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : throw new InvalidOperationException($"HTTP {(int)answer.StatusCode} without a gRPC status");
        return new GrpcAnswer<T>(status, Uri.UnescapeDataString(Header("grpc-message") ?? ""), Header("stowline-code"), status == 0 ? parser.ParseFrom(body, 5, body.Length - 5) : null);
    }

    private static byte[] Frame(IMessage message)
    {
        var size = message.CalculateSize();
        var frame = new byte[5 + size];
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)size);
        message.WriteTo(frame.AsSpan(5));
        return frame;
    }

    public void Dispose() => _http.Dispose();
}
