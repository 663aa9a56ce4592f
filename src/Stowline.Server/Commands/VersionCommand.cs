using System.CommandLine;
using System.Runtime.InteropServices;

namespace Stowline.Server.Commands;

internal static class VersionCommand
{
    public static Command Define() => new Command("version", "Print the version").Does((context, _) =>
    {
        context.Report.Line($"stowline {Configuration.Version} ({RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier})");
        return Task.FromResult(context.Report.End(true, new Dictionary<string, object?>
        {
            ["version"] = Configuration.Version, ["runtime"] = RuntimeInformation.FrameworkDescription, ["platform"] = RuntimeInformation.RuntimeIdentifier,
        }));
    });
}
