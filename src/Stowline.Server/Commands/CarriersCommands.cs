using System.CommandLine;
using Stowline.Site.Shipping.Carriers;

namespace Stowline.Server.Commands;

/// <summary>
/// <c>carriers profiles</c>, <c>carriers check FILE</c>, <c>carriers list</c>: what Stowline can speak to, whether a profile of one's own is right and what it would send, and how the carriers of a node stand.
/// Nothing is called and nothing is written.
/// </summary>
internal static class CarriersCommands
{
    public static Command Define() => new("carriers", "Carriers: known profiles, a check of one's own, and how those of a node stand") { List(), ListProfiles(), Check() };

    private static Command ListProfiles() => new Command("profiles", "The carriers that Stowline knows to speak to").Does((context, _) =>
    {
        var known = Profiles.BuiltIn.Values.OrderBy(p => p.Name, StringComparer.Ordinal).ToList();
        foreach (var p in known) context.Report.Line($"{p.Name,-18} {p.Title,-32} settings: {string.Join(", ", p.Settings)}; secrets: {string.Join(", ", p.Secrets)}");
        return Task.FromResult(context.Report.End(true, new Dictionary<string, object?> { ["ok"] = true, ["profiles"] = known.Select(p => p.Name).ToArray() }));
    });

    private static Command Check()
    {
        var file = new Argument<string>("FILE") { Description = "a profile, as docs/carriers.md describes it" };
        return new Command("check", "Check a profile, and show what it would send for a parcel between two made-up people") { file }.Does(async (context, ct) =>
        {
            var parsed = Profiles.Parse(await File.ReadAllTextAsync(context.Parsed.GetRequiredValue(file), ct));
            if (parsed.Refusal is { } no)
            {
                foreach (var (field, messages) in no.Errors ?? new Dictionary<string, string[]>()) context.Report.Progress($"{field}: {string.Join("; ", messages)}");
                return context.Report.Fail(no.Detail);
            }
            var shown = await ProfileSample.RequestsAsync(parsed.Value, ct);
            foreach (var request in shown) context.Report.Line(request);
            return context.Report.End(true, new Dictionary<string, object?> { ["ok"] = true, ["name"] = parsed.Value.Name, ["requests"] = shown.Count });
        });
    }

    private static Command List() => new Command("list", "The carriers of a node's sites, running or stopped").Does(async (context, ct) =>
    {
        await using var database = await NodeOpener.OpenToReadAsync(context.Configuration, ct: ct);
        var carriers = await database.ReadAsync(SaveCarrier.AllAsync, ct);
        foreach (var c in carriers)
            context.Report.Line($"{c.Site,-12} {c.Carrier,-18} {c.Profile,-16} {(c.Enabled ? c.Problem ?? (c.Open ? "does not answer: " + c.LastError : "ready") : "switched off")}");
        return context.Report.End(true, new Dictionary<string, object?>
        {
            ["ok"] = true, ["carriers"] = carriers.Select(c => new Dictionary<string, object?> { ["site"] = c.Site, ["carrier"] = c.Carrier, ["profile"] = c.Profile, ["enabled"] = c.Enabled, ["open"] = c.Open, ["problem"] = c.Problem }).ToArray(),
        });
    });
}
