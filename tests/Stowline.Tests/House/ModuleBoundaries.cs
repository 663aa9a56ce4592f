using System.Text.RegularExpressions;

namespace Stowline.Tests.House;

/// Goal: arrows point down only, and each table is touched by its own module only. Method: the sources and migrations are read as text.
public partial class ModuleBoundaries
{
    private static readonly string Root = Repository.Find();
    private static readonly string Library = Path.Combine(Root, "src", "Stowline");

    /// Folder → the namespaces below Stowline that it may name.
    private static readonly Dictionary<string, string[]> MayKnow = new()
    {
        ["Kernel"] = [],
        ["Store"] = ["Kernel"],
        ["Log"] = ["Kernel", "Store"],
        ["Contracts"] = ["Kernel", "Log"],
        ["Http"] = ["Kernel", "Store", "Log"],
        ["Link"] = ["Kernel", "Store", "Log", "Contracts", "Http"],
        ["Hub"] = ["Kernel", "Store", "Log", "Contracts", "Http", "Hub"],
        ["Site"] = ["Kernel", "Store", "Log", "Contracts", "Http", "Site"],
    };

    [Fact]
    public void Arrows_point_down_only()
    {
        var wrong = new List<string>();
        foreach (var (folder, allowed) in MayKnow)
        {
            foreach (var file in Sources(Path.Combine(Library, folder)))
            {
                foreach (Match match in Usings().Matches(File.ReadAllText(file)))
                {
                    var known = match.Groups[1].Value;
                    if (known != folder && !allowed.Contains(known)) wrong.Add($"{Relative(file)} names Stowline.{known}");
                }
            }
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void Each_table_is_touched_by_its_own_module_only()
    {
        var owners = new Dictionary<string, string>();
        foreach (var migration in Directory.EnumerateFiles(Library, "*.sql", SearchOption.AllDirectories))
            foreach (Match match in Tables().Matches(File.ReadAllText(migration)))
                owners[match.Groups[1].Value] = Path.GetDirectoryName(Path.GetDirectoryName(migration))!;
        Assert.NotEmpty(owners);

        var wrong = new List<string>();
        foreach (var file in Sources(Path.Combine(Root, "src")).Concat(Sources(Path.Combine(Root, "bench"))))
        {
            if (Path.GetFileName(file) is ("Books.cs" or "Mutants.cs") && file.Contains("Stowline.Simulation")) continue; // compares all modules' books; is wrong about their statements
            if (Path.GetFileName(file) is "Floor.cs" or "FloorTasks.cs" or "LedgerBench.cs" or "FillLane.cs" or "FillBooks.cs" or "FillBench.cs") continue; // benchmarks that write every module's rows by design
            foreach (Match match in Touches().Matches(File.ReadAllText(file)))
            {
                var table = match.Groups[1].Value + match.Groups[2].Value;
                if (owners.TryGetValue(table, out var owner) && !file.StartsWith(owner + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                    wrong.Add($"{Relative(file)} touches {table} of {Path.GetRelativePath(Library, owner)}");
            }
        }
        Assert.Empty(wrong.Distinct());
    }

    [Fact]
    public void Tests_and_sources_do_not_sleep()
    {
        // Outside tests the banned-symbols analyzer sees to it; this covers the tests.
        var wrong = Sources(Path.Combine(Root, "tests")).Where(f => Sleeps().IsMatch(File.ReadAllText(f)) && Path.GetFileName(f) != "ModuleBoundaries.cs").Select(Relative);
        Assert.Empty(wrong);
    }

    private static IEnumerable<string> Sources(string folder) => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
        .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}") && !f.Contains($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}"));

    private static string Relative(string file) => Path.GetRelativePath(Root, file);

    [GeneratedRegex(@"\bStowline\.(Kernel|Store|Log|Contracts|Http|Hub|Site|Link)\b")]
    private static partial Regex Usings();

    [GeneratedRegex(@"CREATE TABLE (\w+)")]
    private static partial Regex Tables();

    [GeneratedRegex("""(?:\b(?:FROM|JOIN|INTO|UPDATE)\s+([a-z_]+)\b|(?:InsertAsync|UpsertAsync|UpdateAsync)\((?:\w+,\s*)?"([a-z_]+)")""")]
    private static partial Regex Touches();

    [GeneratedRegex(@"Task\.Delay\(|Thread\.Sleep\(")]
    private static partial Regex Sleeps();
}
