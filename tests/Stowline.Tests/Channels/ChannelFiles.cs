using Stowline.Tests.Retail;

namespace Stowline.Tests.Channels;

/// <summary>
/// Payloads as marketplaces and shops document them, where they are: under STOWLINE_SHARED, or in ../shared beside the repository. Tests that need them are skipped without, and fail
/// where STOWLINE_TEST_REQUIRE=1 says that everything must run.
/// </summary>
internal static class ChannelFiles
{
    private static readonly string Folder = Path.Combine(
        Environment.GetEnvironmentVariable("STOWLINE_SHARED") is { Length: > 0 } named ? named : Path.Combine(DevelopmentFile.Repository, "..", "shared"), "data", "api");

    public static string? WhyNot => Directory.Exists(Folder) || Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE") == "1" ? null : "the payloads of marketplaces are not here";

    public static string Read(string folder, string name) => File.ReadAllText(Path.Combine(Folder, folder, name));

    /// <summary>A mapping as it is shipped.</summary>
    public static string Mapping(string name) => File.ReadAllText(Path.Combine(DevelopmentFile.Repository, "deploy", "channels", name + ".json"));
}

/// <summary>A theory about the documented payloads.</summary>
public sealed class PayloadTheoryAttribute : TheoryAttribute
{
    public PayloadTheoryAttribute() => Skip = ChannelFiles.WhyNot;
}
