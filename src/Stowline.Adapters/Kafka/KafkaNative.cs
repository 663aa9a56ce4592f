using System.Reflection;
using System.Runtime.InteropServices;
using Confluent.Kafka;

namespace Stowline.Adapters.Kafka;

/// <summary>
/// Finds librdkafka. Its NuGet package is not to be had everywhere, so the system's library is used (Debian: <c>librdkafka1</c>). A node without it
/// runs; only Kafka does not.
/// </summary>
public static class KafkaNative
{
    private const string Library = "librdkafka.so.1";
    private static readonly Lazy<string?> Problem = new(Load);

    /// <summary>Null when Kafka can be used, else why not.</summary>
    public static string? Missing => Problem.Value;

    /// <summary>Before the client is first used.</summary>
    public static void Need()
    {
        if (Missing is { } why) throw new DllNotFoundException(why);
    }

    private static string? Load()
    {
        if (!NativeLibrary.TryLoad(Library, out _)) return $"Kafka is not available: {Library} is not on this machine (Debian: apt-get install librdkafka1)";
        NativeLibrary.SetDllImportResolver(typeof(ProducerConfig).Assembly, Resolve);
        return null;
    }

    /// <summary>The client asks for several file names in turn, and for libdl by a name that only developers' packages have.</summary>
    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        var file = name.Contains("librdkafka", StringComparison.Ordinal) ? Library : name.StartsWith("libdl", StringComparison.Ordinal) ? "libdl.so.2" : null;
        return file is not null && NativeLibrary.TryLoad(file, out var handle) ? handle : 0;
    }
}
