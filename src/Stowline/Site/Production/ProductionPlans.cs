using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Production;

/// <summary>A preset (kitchen or workshop), or stages of the site's own.</summary>
public sealed record ProductionBody { public string? Preset { get; init; } public List<TicketStage?>? Stages { get; init; } }

public sealed record ProductionView(string Site, IReadOnlyList<TicketStage> Stages);

/// <summary>The stages of a site's tickets. A site that has set none has the kitchen's.</summary>
public static class ProductionPlans
{
    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapPut("/sites/{code}/production", (HttpContext http, string code) => SitePath.RunAsync<ProductionBody, ProductionView>(http, node, DecideAsync))
            .WithTags("Production").WithSummary("Set the stages of a site's tickets").Accepts<ProductionBody>("application/json").Produces<ProductionView>();
        api.Get("/sites/{code}/production", http => SitePath.ReadAsync<ProductionView>(http, node, async site =>
                new ProductionView(site, await node.Database.ReadAsync(async s => await StagesAsync(s, site)))))
            .WithTags("Production").WithSummary("The stages of a site's tickets").Produces<ProductionView>();
    }

    internal static async ValueTask<IReadOnlyList<TicketStage>> StagesAsync(SqlSession session, string site) =>
        await session.FindAsync<string>("SELECT stages FROM production_plans WHERE site = @site", new { site }) is { } own
            ? JsonSerializer.Deserialize(own, ProductionJson.Default.ListTicketStage)! : TicketLifecycle.Kitchen;

    /// <summary>What a new site begins with. What it has set by itself stays.</summary>
    internal static ValueTask BeginAsync(LaneTransaction tx, string site, string preset) => tx.WriteAsync(
        "INSERT INTO production_plans (site, stages, saved_at) VALUES (@site, @stages, @now) ON CONFLICT (site) DO NOTHING",
        new { site, stages = JsonSerializer.Serialize([.. Preset(preset)], ProductionJson.Default.ListTicketStage), now = tx.Now });

    private static IReadOnlyList<TicketStage> Preset(string name) => name == "workshop" ? TicketLifecycle.Workshop : TicketLifecycle.Kitchen;

    private sealed record StageRow { public string Stage { get; init; } = ""; }

    /// <summary>Stages that open tickets stand in cannot go: 409 <c>stage_in_use</c>.</summary>
    public static async ValueTask<Outcome<ProductionView>> DecideAsync(string site, ProductionBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var stages = Check(body, problems);
        if (problems.Any) return problems.ToRefusal();
        var standing = await tx.QueryAsync<StageRow>("SELECT DISTINCT stage FROM tickets WHERE site = @site AND status IN (1, 2)", new { site });
        if (standing.FirstOrDefault(s => stages.All(n => n.Name != s.Stage)) is { } lost) return Refusal.Conflict("stage_in_use", $"open tickets are {lost.Stage}");
        await tx.WriteAsync("""
            INSERT INTO production_plans (site, stages, saved_at) VALUES (@site, @stages, @now)
            ON CONFLICT (site) DO UPDATE SET stages = excluded.stages, saved_at = excluded.saved_at
            """, new { site, stages = JsonSerializer.Serialize([.. stages], ProductionJson.Default.ListTicketStage), now = tx.Now });
        return new ProductionView(site, stages);
    }

    private static IReadOnlyList<TicketStage> Check(ProductionBody body, Problems problems)
    {
        if (body.Preset is { } preset)
        {
            problems.Check(body.Stages is null, "stages", "come alone, or a preset without them");
            problems.Check(preset is "kitchen" or "workshop", "preset", "must be kitchen or workshop");
            return Preset(preset);
        }
        var stages = (body.Stages ?? []).OfType<TicketStage>().ToList();
        problems.Check(stages.Count is >= 2 and <= 20, "stages", "is required: 2–20, or a preset");
        if (problems.Any) return stages;
        for (var i = 0; i < stages.Count; i++)
        {
            problems.Code(stages[i].Name, $"stages[{i}].name");
            problems.Check(stages.FindIndex(s => s.Name == stages[i].Name) == i, $"stages[{i}].name", "is given twice");
            problems.Check(i == 0 || stages[i].Phase >= stages[i - 1].Phase, $"stages[{i}].phase", "must not go back");
        }
        problems.Check(stages[0].Phase == TicketPhase.Waiting, "stages[0].phase", "must be waiting");
        problems.Check(stages[^1].Phase == TicketPhase.Done && stages.Count(s => s.Phase == TicketPhase.Done) == 1, "stages", "must end with the only one that is done");
        return stages;
    }
}
