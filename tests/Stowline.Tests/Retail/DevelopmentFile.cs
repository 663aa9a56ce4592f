using System.Runtime.CompilerServices;

namespace Stowline.Tests.Retail;

/// <summary>
/// The real file, where it is: under STOWLINE_SHARED, or in ../shared beside the repository. It is never part of the repository, so the
/// tests that need it are skipped without it, and fail where STOWLINE_TEST_REQUIRE=1 says that everything must run.
/// </summary>
internal static class DevelopmentFile
{
    public static string Repository { get; } = Root();
    public static string? Path { get; } = Find();

    private static string Root([CallerFilePath] string here = "") => new FileInfo(here).Directory!.Parent!.Parent!.Parent!.FullName;

    private static string? Find()
    {
        var shared = Environment.GetEnvironmentVariable("STOWLINE_SHARED") is { Length: > 0 } named ? named : System.IO.Path.Combine(Repository, "..", "shared");
        var path = System.IO.Path.Combine(shared, "data", "orders", "online_retail_dev.csv.gz");
        return File.Exists(path) ? path : null;
    }
}

/// <summary>A fact about the development file of Online Retail.</summary>
public sealed class DevelopmentFileFactAttribute : FactAttribute
{
    public DevelopmentFileFactAttribute()
    {
        if (DevelopmentFile.Path is null && Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE") != "1") Skip = "the development file is not here";
    }
}
