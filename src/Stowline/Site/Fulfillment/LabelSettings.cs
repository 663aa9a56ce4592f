using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>How a site's parcels are labelled. What is not given is not set.</summary>
public sealed record LabelSettingsBody
{
    /// <summary>The GS1 company prefix, 4–12 digits: then each package gets an SSCC.</summary>
    public string? Gs1Prefix { get; init; }
    /// <summary>The SSCC's first digit, 0–9.</summary>
    public int Extension { get; init; }
    /// <summary>Digits after the prefix that are this site's alone, up to 4: several sites may share a prefix by them.</summary>
    public string? Block { get; init; }
    /// <summary>The sender as printed, up to 3 lines; without any the site's code.</summary>
    public IReadOnlyList<string?>? Sender { get; init; }
    /// <summary>A TrueType font in the printer, such as <c>E:ARIALUNI.TTF</c>, for scripts that its built-in font lacks.</summary>
    public string? Font { get; init; }
}

/// <param name="SsccStem">What the site's SSCCs begin with: extension digit, company prefix and block.</param>
public sealed record LabelSettingsView(string Site, string? SsccStem, IReadOnlyList<string> Sender, string? Font);

/// <summary>
/// <c>PUT /sites/{code}/label-settings</c> and its reading (F6). Refusals: <c>sscc_stem_taken</c>: numbers that begin so are or were another site's, and an SSCC is never
/// used twice.
/// </summary>
public static partial class LabelSettings
{
    /// <summary>Of the 16 digits between extension and check digit.</summary>
    private const int MostStem = 14;

    private sealed record Row { public string Site { get; init; } = ""; public string? Stem { get; init; } public string Sender { get; init; } = "[]"; public string? Font { get; init; } }
    private sealed record StemRow { public string Stem { get; init; } = ""; public string Site { get; init; } = ""; }

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapPut("/sites/{code}/label-settings", (HttpContext http, string code) => SitePath.RunAsync<LabelSettingsBody, LabelSettingsView>(http, node, DecideAsync))
            .WithTags("Shipping").WithSummary("How a site's parcels are labelled: SSCC, sender, font").Takes<LabelSettingsBody>().Produces<LabelSettingsView>();
        api.MapGet("/sites/{code}/label-settings", (HttpContext http, string code) => SitePath.ReadAsync<LabelSettingsView>(http, node, async site =>
                await node.Database.ReadAsync(s => ReadAsync(s, site), http.RequestAborted)))
            .WithTags("Shipping").WithSummary("How a site's parcels are labelled").Produces<LabelSettingsView>();
    }

    public static async Task<LabelSettingsView> ReadAsync(SqlSession session, string site)
    {
        var row = await session.FindAsync<Row>("SELECT site, stem, sender, font FROM label_settings WHERE site = @site", new { site });
        return new LabelSettingsView(site, row?.Stem, row is null ? [] : JsonSerializer.Deserialize(row.Sender, FulfillmentJson.Default.StringArray) ?? [], row?.Font);
    }

    public static async ValueTask<Outcome<LabelSettingsView>> DecideAsync(string site, LabelSettingsBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        problems.Check(body.Gs1Prefix is null || body.Gs1Prefix.Length is >= 4 and <= 12 && body.Gs1Prefix.All(char.IsAsciiDigit), "gs1_prefix", "must be 4–12 digits");
        problems.Check(body.Extension is >= 0 and <= 9, "extension", "must be 0–9");
        problems.Check(body.Block is null || body.Gs1Prefix is not null, "block", "needs gs1_prefix");
        problems.Check(body.Block is null || body.Block.Length is >= 1 and <= 4 && body.Block.All(char.IsAsciiDigit), "block", "must be 1–4 digits");
        problems.Check(body.Block is null || (body.Gs1Prefix?.Length ?? 0) + body.Block.Length <= MostStem, "block", $"must leave digits for the numbers: gs1_prefix and block are {MostStem} at most");
        var sender = body.Sender ?? [];
        problems.Check(sender.Count <= 3, "sender", "must be at most 3 lines");
        for (var i = 0; i < sender.Count && i < 3; i++) problems.Required(sender[i], $"sender[{i}]", 60);
        problems.Check(body.Font is null || Fonts().IsMatch(body.Font), "font", "must be a TrueType font in the printer, such as E:ARIALUNI.TTF");
        if (problems.Any) return problems.ToRefusal();
        var stem = body.Gs1Prefix is null ? null : $"{body.Extension}{body.Gs1Prefix}{body.Block}";
        string[] lines = [.. sender.Select(l => l!.Trim())];
        var isNew = true;
        foreach (var known in stem is null ? [] : await tx.QueryAsync<StemRow>("SELECT stem, site FROM sscc_stems"))
        {
            if (known.Site == site && known.Stem == stem) isNew = false;
            else if (known.Stem.StartsWith(stem!, StringComparison.Ordinal) || stem!.StartsWith(known.Stem, StringComparison.Ordinal))
                return Refusal.Conflict("sscc_stem_taken", $"numbers that begin with {known.Stem} are {(known.Site == site ? "this site's already" : $"those of {known.Site}")}; choose another block or extension");
        }
        if (stem is not null && isNew) await tx.WriteAsync("INSERT INTO sscc_stems (stem, site) VALUES (@stem, @site)", new { stem, site });
        await tx.WriteAsync("""
            INSERT INTO label_settings (site, stem, sender, font) VALUES (@site, @stem, @sender, @font)
            ON CONFLICT (site) DO UPDATE SET stem = excluded.stem, sender = excluded.sender, font = excluded.font
            """, new { site, stem, sender = JsonSerializer.Serialize(lines, FulfillmentJson.Default.StringArray), font = body.Font });
        return new LabelSettingsView(site, stem, lines, body.Font);
    }

    [GeneratedRegex("^[A-Z]:[A-Z0-9_]{1,16}\\.(TTF|TTE)$")]
    private static partial Regex Fonts();
}
