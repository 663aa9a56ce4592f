using System.Text.Json;
using Stowline.Tests.Retail;

namespace Stowline.Tests.Server;

/// <summary>
/// The CloudEvents project's own conformance files, where they are: under STOWLINE_SHARED, or in ../shared beside the repository. Tests that
/// need them are skipped without, and fail where STOWLINE_TEST_REQUIRE=1 says that everything must run.
/// </summary>
internal static class CloudEventFiles
{
    private static readonly string Folder = Path.Combine(
        Environment.GetEnvironmentVariable("STOWLINE_SHARED") is { Length: > 0 } named ? named : Path.Combine(DevelopmentFile.Repository, "..", "shared"), "data", "webhooks", "cloudevents");

    public static bool AreHere => Directory.Exists(Folder);
    public static IReadOnlyList<Scenario> HttpScenarios() => Scenario.Read(File.ReadAllLines(Path.Combine(Folder, "http-protocol-binding.feature")));
    public static JsonElement Schema() => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "cloudevents.schema.json"))).RootElement;
}

/// <summary>A fact about the conformance files.</summary>
public sealed class CloudEventFactAttribute : FactAttribute
{
    public CloudEventFactAttribute()
    {
        if (!CloudEventFiles.AreHere && Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE") != "1") Skip = "the CloudEvents conformance files are not here";
    }
}

/// <summary>One scenario of a feature file, with one row of its examples filled in: as much of Gherkin as these files use.</summary>
internal sealed record Scenario(string Name, IReadOnlyList<Step> Steps)
{
    public Step StepOf(string text) => Steps.Single(s => s.Text.Contains(text, StringComparison.Ordinal));

    public static IReadOnlyList<Scenario> Read(string[] lines)
    {
        var scenarios = new List<Scenario>();
        var starts = Enumerable.Range(0, lines.Length).Where(i => lines[i].TrimStart().StartsWith("Scenario", StringComparison.Ordinal)).ToList();
        foreach (var (start, index) in starts.Select((s, i) => (s, i)))
        {
            var block = lines[start..(index + 1 < starts.Count ? starts[index + 1] : lines.Length)];
            var examples = Array.FindIndex(block, l => l.Trim() == "Examples:");
            var rows = examples < 0 ? [] : Table(block[(examples + 1)..]);
            var names = rows.Count == 0 ? [] : rows[0];
            foreach (var row in rows.Skip(1).DefaultIfEmpty([]))
            {
                string Fill(string text) => names.Zip(row).Aggregate(text, (t, pair) => t.Replace($"<{pair.First}>", pair.Second, StringComparison.Ordinal));
                var body = block[..(examples < 0 ? block.Length : examples)].Select(Fill).ToArray();
                scenarios.Add(new Scenario(body[0].Trim()[(body[0].Trim().IndexOf(':') + 1)..].Trim(), Step.Read(body[1..])));
            }
        }
        return scenarios;
    }

    public static List<string[]> Table(IEnumerable<string> lines) =>
        [.. lines.Select(l => l.Trim()).TakeWhile(l => l.StartsWith('|')).Select(l => l.Trim('|').Split('|').Select(c => c.Trim()).ToArray())];
}

/// <summary>A step with the text block or the table that belongs to it.</summary>
internal sealed record Step(string Text, string Block, IReadOnlyList<string[]> Rows)
{
    private static readonly string[] Words = ["Given ", "When ", "Then ", "And "];

    public static List<Step> Read(string[] lines)
    {
        var steps = new List<Step>();
        for (var i = 0; i < lines.Length; i++)
        {
            var text = lines[i].Trim();
            if (!Words.Any(w => text.StartsWith(w, StringComparison.Ordinal))) continue;
            var block = "";
            if (i + 1 < lines.Length && lines[i + 1].Trim() == "\"\"\"")
            {
                var indent = lines[i + 1].Length - lines[i + 1].TrimStart().Length;
                var inside = lines[(i + 2)..].TakeWhile(l => l.Trim() != "\"\"\"").ToList();
                block = string.Join('\n', inside.Select(l => l.Length >= indent ? l[indent..] : l.TrimStart()));
                i += inside.Count + 2;
            }
            steps.Add(new Step(text, block, Scenario.Table(lines[Math.Min(i + 1, lines.Length)..])));
        }
        return steps;
    }
}
