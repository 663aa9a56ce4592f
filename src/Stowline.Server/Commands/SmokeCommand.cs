using System.CommandLine;
using System.Net.Http.Headers;
using Stowline.Kernel;
using Stowline.Server.Smoke;

namespace Stowline.Server.Commands;

/// <summary><c>smoke --url URL</c>: the critical journey on a live installation, over its API (H8). The exit status is 0 only when every step went well and nothing was left behind.</summary>
internal static class SmokeCommand
{
    public static Command Define()
    {
        var url = new Option<string>("--url") { Description = "the installation: http:// or https://", HelpName = "URL", Required = true };
        var key = new Option<string?>("--key") { Description = "a key with the scopes orders, stock and tasks, where the installation asks for keys; also STOWLINE__KEY", HelpName = "KEY" };
        var site = new Option<string>("--site") { Description = "the site that is made for it, and switched off at the end", HelpName = "CODE", DefaultValueFactory = _ => "SMOKE" };
        return new Command("smoke", "Try a live installation from the receipt of goods to the parcel, and clean up") { url, key, site }.Does(async (context, ct) =>
        {
            if (!Uri.TryCreate(context.Parsed.GetRequiredValue(url), UriKind.Absolute, out var target) || target.Scheme is not ("http" or "https"))
                throw new CommandRefusedException("--url must be the address of an installation, http:// or https://");
            if (!CodeRule.TryNormalize(context.Parsed.GetRequiredValue(site), out var code)) throw new CommandRefusedException("--site is no code of a site");
            using var http = new HttpClient { BaseAddress = target, Timeout = TimeSpan.FromSeconds(30) };
            if ((context.Parsed.GetValue(key) ?? context.Configuration.Key) is { Length: > 0 } bearer) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
            var time = TimeProvider.System;
            var run = new SmokeRun(new SmokeCalls(http, time) { Run = new IdSource(time).Next().ToString("N") }, time, code, context.Report.Line);
            var began = time.GetTimestamp();
            await run.RunAsync(ct);
            var seconds = Math.Round(time.GetElapsedTime(began).TotalSeconds, 2);
            context.Report.Line(run.Ok ? $"{target} works: {run.Steps.Count} steps in {seconds} s" : $"{target} does not work as it should");
            return context.Report.End(run.Ok, new Dictionary<string, object?> { ["ok"] = run.Ok, ["url"] = target.ToString(), ["site"] = code, ["steps"] = run.Steps, ["seconds"] = seconds });
        });
    }
}
