using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Stowline.Server.Telemetry;

/// <summary>
/// Sends traces and metrics to a collector (W19): the setting <c>otlp</c>. In the background and in batches; where nobody takes them they are dropped,
/// and the node never waits for it.
/// </summary>
internal sealed class Otlp : IDisposable
{
    private const int TimeoutMilliseconds = 5_000;
    private const int MetricsEveryMilliseconds = 15_000;
    private readonly TracerProvider _traces;
    private readonly MeterProvider _metrics;

    private Otlp(TracerProvider traces, MeterProvider metrics) => (_traces, _metrics) = (traces, metrics);

    /// <summary>Null when the setting is empty.</summary>
    public static Otlp? Start(Configuration configuration)
    {
        if (configuration.Otlp.Length == 0) return null;
        var resource = ResourceBuilder.CreateEmpty().AddService("stowline", serviceVersion: Configuration.Version, autoGenerateServiceInstanceId: false, serviceInstanceId: configuration.Node)
            .AddAttributes([new("stowline.node", configuration.Node), new("host.name", Environment.MachineName)]);
        var traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource)
            // Who calls has decided for its trace; what begins here is sampled here. An order's later spans follow the order's own trace.
            .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(configuration.OtlpSample)))
            .AddSource("Microsoft.AspNetCore", OrderTraces.SourceName)
            .AddOtlpExporter(o => Address(o, configuration.Otlp, "v1/traces"))
            .Build();
        var metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource)
            .AddMeter("Stowline.*", "System.Runtime")
            .AddOtlpExporter((o, reader) =>
            {
                Address(o, configuration.Otlp, "v1/metrics");
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = MetricsEveryMilliseconds;
                reader.PeriodicExportingMetricReaderOptions.ExportTimeoutMilliseconds = TimeoutMilliseconds;
            })
            .Build();
        return new Otlp(traces, metrics);
    }

    /// <summary><c>grpc://</c> is OTLP's gRPC; <c>http://</c> its protobuf over HTTP, where the path says what comes.</summary>
    private static void Address(OtlpExporterOptions options, string otlp, string path)
    {
        var uri = new Uri(otlp);
        var grpc = uri.Scheme.StartsWith("grpc", StringComparison.Ordinal);
        options.TimeoutMilliseconds = TimeoutMilliseconds;
        options.Protocol = grpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        options.Endpoint = grpc ? new UriBuilder(uri) { Scheme = uri.Scheme == "grpcs" ? "https" : "http" }.Uri : new Uri(otlp.TrimEnd('/') + "/" + path);
    }

    /// <summary>Sends what waits, but not for long: a collector that is away must not keep a node from stopping.</summary>
    public void Dispose()
    {
        _traces.ForceFlush(1_000);
        _metrics.ForceFlush(1_000);
        _traces.Dispose();
        _metrics.Dispose();
    }

    internal void Flush() => _traces.ForceFlush(10_000);
}
