using System.CommandLine;
using System.Net.Http.Headers;
using System.Text.Json;
using Stowline.Hub.Catalog;
using Stowline.Log;

namespace Stowline.Server.Commands;

/// <summary>
/// <c>sites join CODE --url HUB</c>: gives a site to a node of its own. A hub that runs is asked over HTTP, with <c>--admin-key</c> where it asks for keys; where none
/// answers, the same is done on its data.
/// </summary>
internal static class SitesCommands
{
    private static readonly Caller CommandLineCaller = new("command line");

    public static Command Define() => new("sites", "Sites with nodes of their own") { Join(), GoneSitesCommands.Epoch(), GoneSitesCommands.GiveUp(), GoneSitesCommands.TakeBack() };

    private static Command Join()
    {
        var code = new Argument<string>("CODE") { Description = "the site; made as a warehouse where there is none" };
        var url = new Option<string>("--url") { Description = "where the site's node will reach the hub", HelpName = "HUB", Required = true };
        var admin = new Option<string?>("--admin-key") { Description = "a key with the scope admin, for a running hub with auth=keys; also STOWLINE__KEY", HelpName = "KEY" };
        return new Command("join", "Give a site to a node of its own, and show that node's key, this once") { code, url, admin }.Does(async (context, ct) =>
        {
            var site = context.Parsed.GetRequiredValue(code);
            if (!Uri.TryCreate(context.Parsed.GetRequiredValue(url), UriKind.Absolute, out var hub) || hub.Scheme is not ("http" or "https"))
                throw new CommandRefusedException("--url must be the hub's address, http:// or https://");
            var key = context.Parsed.GetValue(admin) ?? (context.Configuration.Key.Length > 0 ? context.Configuration.Key : null);
            var joined = await OverHttpAsync(hub, site, key, ct) ?? await OnDataAsync(context, site, ct);
            if (!context.Report.IsJson) context.Report.Line(joined.Key); // with --json this line would go to standard error, and so into logs
            context.Report.Progress($"This is the key of {joined.Site}. It is shown only now. Run its node with: stowline serve --site {joined.Site} --hub {hub} --key KEY");
            return context.Report.End(true, new Dictionary<string, object?>
            {
                ["ok"] = true, ["site"] = joined.Site, ["number"] = joined.Number, ["key"] = joined.Key, ["hub"] = hub.ToString(),
            });
        });
    }

    /// <summary>Null when nobody answers there.</summary>
    private static async Task<JoinedSite?> OverHttpAsync(Uri hub, string site, string? key, CancellationToken ct)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };
        if (key is not null) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        HttpResponseMessage answer;
        try
        {
            answer = await http.PostAsync(new Uri(hub, $"/api/v1/sites/{Uri.EscapeDataString(site)}/join"), null, ct);
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError)
        {
            return null;
        }
        using var _ = answer;
        var text = await answer.Content.ReadAsStringAsync(ct);
        if (answer.IsSuccessStatusCode)
        {
            using var document = JsonDocument.Parse(text);
            var joined = document.RootElement;
            return new JoinedSite(joined.GetProperty("site").GetString()!, joined.GetProperty("number").GetInt32(), joined.GetProperty("key").GetString()!);
        }
        throw new CommandRefusedException($"the hub at {hub} refuses: {Detail(text) ?? answer.ReasonPhrase}");
    }

    private static string? Detail(string problem)
    {
        try
        {
            using var document = JsonDocument.Parse(problem);
            return document.RootElement.TryGetProperty("detail", out var detail) ? detail.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static async Task<JoinedSite> OnDataAsync(CommandContext context, string site, CancellationToken ct)
    {
        await using var opened = await NodeOpener.OpenAsync(context.Configuration, ct: ct);
        if (!opened.Node.Role.IsHub) throw new CommandRefusedException($"this is the node of site {opened.Node.Role.Site}; sites are joined at their hub");
        opened.Node.Start((pump, e) => context.Report.Progress($"{pump.Name}: {e.Message}"));
        var joined = await JoinSite.RunAsync(opened.Node, site, CommandLineCaller, ct);
        return joined.IsOk ? joined.Value : throw new CommandRefusedException(joined.Refusal!.Detail);
    }
}
