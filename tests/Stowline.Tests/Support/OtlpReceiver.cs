using System.Buffers.Binary;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Stowline.Tests.Support;

/// <summary>A span as it came over the wire. Ids in hexadecimal, times in nanoseconds since the epoch.</summary>
public sealed record ReceivedSpan(string TraceId, string SpanId, string ParentId, string Name, ulong Start, ulong End, IReadOnlyList<string> LinkedTraces, IReadOnlyDictionary<string, string> Attributes);

/// <summary>A collector that takes OTLP over HTTP (protobuf) on a free loopback port and keeps what it was sent.</summary>
public sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _gate = new();
    private readonly List<ReceivedSpan> _spans = [];
    private readonly HashSet<string> _metrics = [];
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private OtlpReceiver(WebApplication app) => _app = app;

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public static async Task<OtlpReceiver> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0));
        var app = builder.Build();
        var receiver = new OtlpReceiver(app);
        app.Run(receiver.TakeAsync);
        await app.StartAsync();
        return receiver;
    }

    private async Task TakeAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        lock (_gate)
        {
            if (http.Request.Path == "/v1/traces") ReadTraces(body.ToArray());
            else if (http.Request.Path == "/v1/metrics") ReadMetrics(body.ToArray());
            _more.TrySetResult();
            _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        http.Response.ContentType = "application/x-protobuf";
    }

    /// <summary>The spans of a trace, once they are as wished. Fails after half a minute, saying what came.</summary>
    public async Task<IReadOnlyList<ReceivedSpan>> WaitForAsync(string traceId, Func<IReadOnlyList<ReceivedSpan>, bool> enough)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            Task more;
            List<ReceivedSpan> spans;
            lock (_gate) (more, spans) = (_more.Task, [.. _spans.Where(s => s.TraceId == traceId)]);
            if (enough(spans)) return spans;
            if (!await MoreAsync(more, limit.Token)) Assert.Fail("the trace has only: " + string.Join(", ", spans.Select(s => s.Name)));
        }
    }

    /// <summary>Waits until a metric of this name was sent.</summary>
    public async Task WaitForMetricAsync(string name)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            Task more;
            lock (_gate)
            {
                if (_metrics.Contains(name)) return;
                more = _more.Task;
            }
            if (!await MoreAsync(more, limit.Token)) Assert.Fail($"{name} was not sent");
        }
    }

    private static async Task<bool> MoreAsync(Task more, CancellationToken limit)
    {
        try
        {
            await more.WaitAsync(limit);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    // ---- ExportTraceServiceRequest { resource_spans = 1 { scope_spans = 2 { spans = 2 } } }, ExportMetricsServiceRequest { 1 { 2 { metrics = 2 { name = 1 } } } }

    private void ReadTraces(byte[] body)
    {
        foreach (var resource in Fields(body).Where(f => f.Number == 1))
            foreach (var scope in Fields(resource.Bytes).Where(f => f.Number == 2))
                foreach (var span in Fields(scope.Bytes).Where(f => f.Number == 2)) _spans.Add(ReadSpan(span.Bytes));
    }

    private void ReadMetrics(byte[] body)
    {
        foreach (var resource in Fields(body).Where(f => f.Number == 1))
            foreach (var scope in Fields(resource.Bytes).Where(f => f.Number == 2))
                foreach (var metric in Fields(scope.Bytes).Where(f => f.Number == 2))
                    foreach (var name in Fields(metric.Bytes).Where(f => f.Number == 1)) _metrics.Add(Encoding.UTF8.GetString(name.Bytes.Span));
    }

    private static ReceivedSpan ReadSpan(ReadOnlyMemory<byte> bytes)
    {
        var fields = Fields(bytes).ToList();
        string Hex(int number) => Convert.ToHexStringLower(fields.Find(f => f.Number == number).Bytes.Span);
        var attributes = new Dictionary<string, string>();
        foreach (var field in fields.Where(f => f.Number == 9))
        {
            var pair = Fields(field.Bytes).ToList();
            var value = Fields(pair.Find(p => p.Number == 2).Bytes).First();
            attributes[Encoding.UTF8.GetString(pair.Find(p => p.Number == 1).Bytes.Span)] = value.Number == 1 ? Encoding.UTF8.GetString(value.Bytes.Span) : value.Value.ToString();
        }
        return new ReceivedSpan(Hex(1), Hex(2), Hex(4), Encoding.UTF8.GetString(fields.Find(f => f.Number == 5).Bytes.Span), fields.Find(f => f.Number == 7).Value,
            fields.Find(f => f.Number == 8).Value, [.. fields.Where(f => f.Number == 13).Select(l => Convert.ToHexStringLower(Fields(l.Bytes).First(f => f.Number == 1).Bytes.Span))], attributes);
    }

    /// <summary>The fields of a protobuf message: all that is needed of the format here.</summary>
    private static IEnumerable<(int Number, ulong Value, ReadOnlyMemory<byte> Bytes)> Fields(ReadOnlyMemory<byte> message)
    {
        for (var at = 0; at < message.Length;)
        {
            var tag = Varint(message.Span, ref at);
            var (number, value, bytes) = ((int)(tag >> 3), 0UL, ReadOnlyMemory<byte>.Empty);
            switch (tag & 7)
            {
                case 0: value = Varint(message.Span, ref at); break;
                case 1: value = BinaryPrimitives.ReadUInt64LittleEndian(message.Span[at..]); at += 8; break;
                case 2:
                    var length = (int)Varint(message.Span, ref at);
                    bytes = message.Slice(at, length);
                    at += length;
                    break;
                case 5: value = BinaryPrimitives.ReadUInt32LittleEndian(message.Span[at..]); at += 4; break;
                default: throw new InvalidDataException($"wire type {tag & 7}");
            }
            yield return (number, value, bytes);
        }
    }

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var b = bytes[at++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80) return value;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
