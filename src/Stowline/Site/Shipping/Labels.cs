using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Shipping.Carriers;
using Stowline.Store;

namespace Stowline.Site.Shipping;

/// <summary>
/// Shipping labels, 4×6 inch at 203 dpi, one per package (F6): ZPL for the printer, SVG for the screen. The address is decrypted for the answer and kept
/// nowhere; of an erased person the label says so. Where a carrier gave a label of its own, it is there as it came. Refusals: <c>packing_task_not_found</c>, <c>not_packed</c>,
/// <c>no_carrier_label</c>.
/// </summary>
internal static class Labels
{
    public static string UrlOf(Guid packingTaskId) => PackingTasks.LabelUrl(packingTaskId);

    /// <param name="carriers">The carrier's own.</param>
    public static string UrlOf(Guid packingTaskId, bool carriers) => carriers ? $"/api/v1/packing-tasks/{packingTaskId}/label?format=carrier" : UrlOf(packingTaskId);

    public static void Map(IEndpointRouteBuilder api, Node node) =>
        api.MapGet("/packing-tasks/{key}/label", (HttpContext http, string key) => GetAsync(http, node, key))
            .WithTags("Shipping").WithSummary("The labels of a packed task, one per package").Produces<string>(contentType: "application/zpl")
            .Reads("format", "zpl, which is also the default, svg for a picture of them, or carrier for the carrier's own, in whatever format it gave.");

    private static async Task GetAsync(HttpContext http, Node node, string key)
    {
        var database = node.Database;
        var format = Requests.Query(http, "format") ?? "zpl";
        if (format is not ("zpl" or "svg" or "carrier"))
        {
            await Answers.WriteAsync(http, Refusal.Invalid("format", "must be zpl, svg or carrier"));
            return;
        }
        if (await TaskInput.FindAsync(database, PackingEndpoints.Table, key, http.RequestAborted) is { } task && node.IsRemote(task.Site))
        {
            await Answers.WriteAsync(http, Replicas.Refuse(Lane.Site(task.Site)));
            return;
        }
        if (format == "carrier") { await CarrierLabels.WriteAsync(http, database, key); return; }
        var found = await FindAsync(http, database, key);
        if (found.Refusal is { } no) await Answers.WriteAsync(http, no);
        else if (format == "zpl") await WriteAsync(http, ZplLabels.Render(found.Value.Parcel), "application/zpl; charset=utf-8");
        else await WriteAsync(http, SvgLabels.Render(found.Value.Parcel), "image/svg+xml; charset=utf-8");
    }

    /// <summary>Writes a document that names a person: no cache keeps it, and opened by itself it runs and loads nothing.</summary>
    internal static Task WriteAsync(HttpContext http, string text, string type)
    {
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
        return Answers.WriteBytesAsync(http, 200, null, Encoding.UTF8.GetBytes(text), type);
    }

    internal static async Task<Outcome<(Parcel Parcel, IReadOnlyList<PackingLine> Lines)>> FindAsync(HttpContext http, Database database, string key)
    {
        if (await TaskInput.FindAsync(database, PackingEndpoints.Table, key, http.RequestAborted) is not { } found) return PackingTasks.NotFound(key);
        return await database.ReadAsync(session => ReadAsync(session, found.Site, found.Id), http.RequestAborted);
    }

    /// <summary>The labels of a packing task that is packed or shipped, as ZPL.</summary>
    public static async Task<Outcome<string>> RenderAsync(SqlSession session, string site, Guid packingTaskId) =>
        (await ReadAsync(session, site, packingTaskId)).Map(p => ZplLabels.Render(p.Parcel));

    /// <summary>What is to be printed of a packing task that is packed or shipped.</summary>
    internal static async Task<Outcome<(Parcel Parcel, IReadOnlyList<PackingLine> Lines)>> ReadAsync(SqlSession session, string site, Guid packingTaskId)
    {
        if (await ShippedParts.FindAsync(session, site, packingTaskId) is not { } parcel) return PackingTasks.NotFound(packingTaskId.ToString());
        var task = parcel.Task;
        if (task.LabelUrl is null) return Refusal.Conflict("not_packed", $"packing task {task.Number} is {SnakeCaseEnum<PackingStatus>.Text(task.Status)}, not packed");
        var order = await FulfillmentOrders.FindAsync(session, task.OrderId, task.Part) ?? throw new InvalidOperationException($"packing task {task.Number} has no fulfillment order");
        var settings = await LabelSettings.ReadAsync(session, site);
        var booking = await Bookings.OfTaskAsync(session, packingTaskId);
        return (new Parcel(settings.Sender.Count > 0 ? settings.Sender : [site], await RecipientAsync(session, order, booking), task.OrderNumber, task.Carrier, task.TrackingNumber, task.Packages,
            settings.Font, booking?.NumberList), task.Lines);
    }

    private static async ValueTask<IReadOnlyList<string>> RecipientAsync(SqlSession session, FulfillmentOrder order, BookingRow? booking)
    {
        if (order.Personal is { } sealedBytes && Personal.Decrypt(await Personal.KeyAsync(session, order.PersonId), sealedBytes) is null) return ["(erased)"];
        var details = await ParcelValues.RecipientAsync(session, order, booking);
        var to = details?.ShipTo;
        string?[] lines = [to?.Name ?? details?.Customer?.Name, to?.Line1, to?.Line2, $"{to?.PostalCode} {to?.City}", to?.Region, to?.Country, details?.Customer?.Phone];
        string[] known = [.. lines.Where(l => !string.IsNullOrWhiteSpace(l)).Select(l => l!.Trim())];
        return known.Length == 0 ? ["(no address given)"] : known;
    }
}
