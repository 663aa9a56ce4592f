namespace Stowline.Tests.House;

/// <summary>Where the sources are: the folder with the solution, above the tests' output.</summary>
internal static class Repository
{
    public static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Stowline.sln"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("the tests do not run inside the repository");
    }
}
