using System.Text.Json;
using Stowline.Http;

namespace Stowline.Server;

/// <summary>
/// What a command tells. For people: lines on standard output. With <c>--json</c>: one JSON object as the last line of standard output
/// and everything else on standard error, so that a script can take the result without parsing prose.
/// </summary>
public sealed class Report(bool json, TextWriter output, TextWriter error)
{
    public bool IsJson => json;

    /// <summary>Something on the way, of no use once the command has ended.</summary>
    public void Progress(string text) => error.WriteLine(text);

    /// <summary>A line of the report for people.</summary>
    public void Line(string text) => (json ? error : output).WriteLine(text);

    /// <summary>Ends the report. Answers the exit status: 0 only when all went well.</summary>
    /// <param name="fields">The fields of the JSON object; values as the API would write them.</param>
    public int End(bool ok, IReadOnlyDictionary<string, object?> fields)
    {
        if (json) output.WriteLine(JsonSerializer.Serialize(fields, HttpJson.Options));
        output.Flush();
        return ok ? 0 : 1;
    }

    /// <summary>Ends a command that could not be done.</summary>
    public int Fail(string message)
    {
        error.WriteLine("stowline: " + message);
        return End(false, new Dictionary<string, object?> { ["ok"] = false, ["error"] = message });
    }
}
