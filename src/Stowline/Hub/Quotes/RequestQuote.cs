using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Quotes.Mesh;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Quotes;

/// <summary>What is asked to be priced. Without a file the measures are given: mm³, mm² and mm.</summary>
public sealed record QuoteBody
{
    public string? Material { get; init; }
    /// <summary>1 when not given.</summary>
    public long? Quantity { get; init; }
    /// <summary>The client's number in another system. It stands in events for ever, so it must not be a name.</summary>
    public string? Client { get; init; }
    /// <summary>A class of the price model; b2b when not given.</summary>
    public string? ClientClass { get; init; }
    /// <summary>Of the file's coordinates; mm when not given.</summary>
    public ModelUnits? Units { get; init; }
    public double? VolumeMm3 { get; init; }
    public double? SurfaceMm2 { get; init; }
    public Box? BoxMm { get; init; }
}

/// <summary>
/// Asks for a price (H6): answered at once with 202 and <c>calculating</c>. Refusals: <c>no_price_model</c>, <c>invalid_model</c> where the first bytes of a file tell,
/// <c>too_many_quotes</c>.
/// </summary>
internal static class RequestQuote
{
    /// <summary>More would be waited for longer than anybody waits.</summary>
    private const int MaxOpen = 10_000;

    /// <summary>A request that was checked, with its file, where it has one, in its place.</summary>
    internal sealed record NewQuote(Guid Id, string Material, int Quantity, string? Client, string ClientClass, ModelUnits Units, ModelMeasures? Given, ReceivedModel? Model);

    public static void Map(IEndpointRouteBuilder api, Node node, ModelFolder folder, Signal wake)
    {
        var upload = new QuoteUpload(folder, node.Ids);
        api.Post("/quotes", http => RunAsync(http, node, upload, folder, wake)).WithTags("Quotes").WithSummary("Ask for a price, with measures or a model file; it is calculated in the background")
            .Accepts<QuoteBody>("application/json", "application/*+json", "multipart/form-data", "model/stl", "model/obj", "model/x.stl-binary", "model/x.stl-ascii", "application/sla", "application/octet-stream")
            .Produces<QuoteView>(202)
            .Reads("material", "Where the body is a file: the material's code.").Reads("quantity", "Where the body is a file: how many pieces.")
            .Reads("client", "Where the body is a file: the client's number.").Reads("client_class", "Where the body is a file: the client's class.")
            .Reads("units", "Where the body is a file: what its coordinates count.", typeof(ModelUnits)).Reads("format", "Where the body is application/octet-stream: which file it is.", typeof(ModelFormat));
    }

    private static async Task RunAsync(HttpContext http, Node node, QuoteUpload upload, ModelFolder folder, Signal wake)
    {
        var sent = await upload.ReadAsync(http);
        if (sent.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var (body, model) = (sent.Value.Body, sent.Value.Model);
        var kept = false;
        var quote = Check(body, model, node.Ids);
        if (quote.Refusal is { } wrong) await Answers.WriteAsync(http, wrong);
        else
        {
            // Should this throw, it is unknown whether the quote is stored; the cleaning finds a file that belongs to none.
            await Commands.RunAsync(http, node.Lanes, Lane.Hub, tx =>
            {
                tx.OnCommitted(wake.Set);
                return DecideAsync(quote.Value, folder, () => kept = true, tx);
            }, 202, q => q.Links.Self);
        }
        if (!kept && model is not null) folder.Delete(model.Quote, model.Format);
    }

    public static Outcome<NewQuote> Check(QuoteBody body, ReceivedModel? model, IdSource ids)
    {
        var problems = new Problems();
        var quote = new NewQuote(model?.Quote ?? ids.Next(), problems.Code(body.Material, "material"), problems.Quantity(body.Quantity ?? 1, "quantity"),
            body.Client is null ? null : problems.Code(body.Client, "client"), body.ClientClass is null ? "b2b" : problems.Code(body.ClientClass, "client_class"), body.Units ?? ModelUnits.Mm,
            model is null ? Given(body, problems) : null, model);
        problems.Check(quote.Quantity <= 1_000_000, "quantity", "must be at most 1000000");
        if (model is not null)
            problems.Check(body.VolumeMm3 is null && body.SurfaceMm2 is null && body.BoxMm is null, "volume_mm3", "and the other measures come from the file; give one or the other");
        return problems.Any ? problems.ToRefusal() : quote;
    }

    private static ModelMeasures Given(QuoteBody body, Problems problems)
    {
        problems.Check(body.VolumeMm3 is >= 0.001 and <= 1e12, "volume_mm3", "is required (or a model file): 0.001 to 10^12");
        problems.Check(body.SurfaceMm2 is null or (>= 0 and <= 1e12), "surface_mm2", "must be 0 to 10^12");
        problems.Check(body.BoxMm is { X: > 0 and <= 10_000, Y: > 0 and <= 10_000, Z: > 0 and <= 10_000 }, "box_mm", "is required (or a model file): x, y and z, each up to 10000");
        if (body is { BoxMm: { } box, VolumeMm3: { } volume }) problems.Check(volume <= box.X * box.Y * box.Z * 1.000001, "volume_mm3", "is more than the box holds");
        // A ball has the least surface of all bodies: never less than that.
        var least = Math.Pow(36 * Math.PI * Math.Pow(body.VolumeMm3 ?? 0, 2), 1.0 / 3);
        return new ModelMeasures { VolumeMm3 = body.VolumeMm3 ?? 0, SurfaceMm2 = Math.Round(Math.Max(body.SurfaceMm2 ?? 0, least), 4), BoxMm = body.BoxMm ?? new Box(0, 0, 0) };
    }

    /// <param name="kept">Called once the quote is stored: its file is then needed.</param>
    public static async ValueTask<Outcome<QuoteView>> DecideAsync(NewQuote quote, ModelFolder folder, Action kept, LaneTransaction tx)
    {
        if (await PriceModels.CurrentAsync(tx) is not { } prices) return Refusal.Conflict("no_price_model", "no price model was saved yet: PUT /quotes/price-model");
        var problems = new Problems();
        problems.Check(prices.Model.Material(quote.Material) is not null, "material", $"there is no material {quote.Material}; there are {string.Join(", ", prices.Model.Materials!.Take(20).Select(m => m!.Code))}");
        problems.Check(prices.Model.Class(quote.ClientClass) is not null, "client_class", $"there is no class {quote.ClientClass}; there are {string.Join(", ", prices.Model.Classes!.Take(20).Select(c => c!.Code))}");
        if (problems.Any) return problems.ToRefusal();
        if (await tx.FindAsync<long>("SELECT COUNT(*) FROM quotes WHERE status = 1") >= MaxOpen) return Refusal.Unavailable("too_many_quotes", $"{MaxOpen} quotes are being calculated", 60);
        var row = new QuoteRow
        {
            Id = quote.Id, Number = await tx.NextNumberAsync("quote", Lane.Hub), Status = QuoteStatus.Calculating, Client = quote.Client, ClientClass = quote.ClientClass,
            Material = quote.Material, Quantity = quote.Quantity, Units = quote.Units, Given = quote.Given is null ? null : JsonSerializer.Serialize(quote.Given, QuotesJson.Default.ModelMeasures),
            ModelFormat = quote.Model?.Format, ModelBytes = quote.Model?.Bytes, ModelHash = quote.Model?.Hash, Folder = quote.Model is null ? null : folder.Id,
            RankAt = tx.Now.AddMinutes(-prices.Model.Class(quote.ClientClass)!.HeadStartMinutes!.Value), Trace = tx.Caller.Trace, RequestedAt = tx.Now,
        };
        await tx.WriteAsync("""
            INSERT INTO quotes (id, number, status, client, client_class, material, quantity, units, given, model_format, model_bytes, model_hash, folder, rank_at, not_before,
                progress, tries, claims, trace, requested_by, requested_at)
            VALUES (@id, @number, @status, @client, @clientClass, @material, @quantity, @units, @given, @modelFormat, @modelBytes, @modelHash, @folder, @rankAt, @now,
                0, 0, 0, @trace, @actor, @now)
            """, new
        {
            id = row.Id, number = row.Number, status = row.Status, client = row.Client, clientClass = row.ClientClass, material = row.Material, quantity = row.Quantity, units = row.Units,
            given = row.Given, modelFormat = row.ModelFormat, modelBytes = row.ModelBytes, modelHash = row.ModelHash, folder = row.Folder, rankAt = row.RankAt, now = tx.Now,
            trace = row.Trace, actor = tx.Caller.Actor,
        });
        tx.Append(Lane.Hub, new QuoteRequested(row.Id, row.Number, row.Client, row.ClientClass, row.Material, row.Quantity,
            row.ModelFormat is { } format ? SnakeCaseEnum<ModelFormat>.Text(format) : null, row.ModelBytes), row.Subject);
        tx.OnCommitted(kept);
        tx.Measure<QuoteMetrics>(m => m.Requested());
        return row.View;
    }
}
