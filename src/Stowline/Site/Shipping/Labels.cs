using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Store;

namespace Stowline.Site.Shipping;

/// <summary>
/// Shipping labels as ZPL, 4×6 inch at 203 dpi, one per package (F6). The address is decrypted for the answer and kept nowhere; of an erased person
/// the label says so. Refusals: <c>packing_task_not_found</c>, <c>not_packed</c>.
/// </summary>
internal static class Labels
{
    private const int WidthDots = 812;
    private const int HeightDots = 1218;
    private const int Margin = 30;

    /// <summary>What stands on every label of a parcel.</summary>
    internal sealed record Parcel(string Sender, IReadOnlyList<string> Recipient, long OrderNumber, string? Carrier, string? TrackingNumber, IReadOnlyList<Package> Packages);

    public static string UrlOf(Guid packingTaskId) => PackingTasks.LabelUrl(packingTaskId);

    public static void Map(IEndpointRouteBuilder api, Node node) =>
        api.MapGet("/packing-tasks/{key}/label", (HttpContext http, string key) => GetAsync(http, node, key))
            .WithTags("Shipping").WithSummary("The labels of a packed task, one per package").Produces<string>(contentType: "application/zpl").Reads("format", "zpl, which is also the default.");

    private static async Task GetAsync(HttpContext http, Node node, string key)
    {
        var database = node.Database;
        if (Requests.Query(http, "format") is { } format && format != "zpl")
        {
            await Answers.WriteAsync(http, Refusal.Invalid("format", "must be zpl"));
            return;
        }
        if (await TaskInput.FindAsync(database, PackingEndpoints.Table, key, http.RequestAborted) is not { } found)
        {
            await Answers.WriteAsync(http, PackingTasks.NotFound(key));
            return;
        }
        if (node.IsRemote(found.Site))
        {
            await Answers.WriteAsync(http, Replicas.Refuse(Lane.Site(found.Site)));
            return;
        }
        var label = await database.ReadAsync(session => RenderAsync(session, found.Site, found.Id), http.RequestAborted);
        if (label.Refusal is { } no) await Answers.WriteAsync(http, no);
        else await Answers.WriteBytesAsync(http, 200, null, Encoding.UTF8.GetBytes(label.Value), "application/zpl; charset=utf-8");
    }

    /// <summary>The labels of a packing task that is packed or shipped.</summary>
    public static async Task<Outcome<string>> RenderAsync(SqlSession session, string site, Guid packingTaskId)
    {
        if (await ShippedParts.FindAsync(session, site, packingTaskId) is not { } parcel) return PackingTasks.NotFound(packingTaskId.ToString());
        var task = parcel.Task;
        if (task.LabelUrl is null) return Refusal.Conflict("not_packed", $"packing task {task.Number} is {SnakeCaseEnum<PackingStatus>.Text(task.Status)}, not packed");
        var order = await FulfillmentOrders.FindAsync(session, task.OrderId, task.Part) ?? throw new InvalidOperationException($"packing task {task.Number} has no fulfillment order");
        return Zpl(new Parcel(site, await RecipientAsync(session, order), task.OrderNumber, task.Carrier, task.TrackingNumber, task.Packages));
    }

    private static async ValueTask<IReadOnlyList<string>> RecipientAsync(SqlSession session, FulfillmentOrder order)
    {
        if (order.Personal is not { } sealedBytes) return ["(no address given)"];
        if (Personal.Decrypt(await Personal.KeyAsync(session, order.PersonId), sealedBytes) is not { } plain) return ["(erased)"];
        var details = JsonSerializer.Deserialize(plain, ContractsJson.Default.PersonalDetails);
        var to = details?.ShipTo;
        string?[] lines = [to?.Name ?? details?.Customer?.Name, to?.Line1, to?.Line2, $"{to?.PostalCode} {to?.City}", to?.Region, to?.Country, details?.Customer?.Phone];
        string[] known = [.. lines.Where(l => !string.IsNullOrWhiteSpace(l)).Select(l => l!.Trim())];
        return known.Length == 0 ? ["(no address given)"] : known;
    }

    /// <summary>Pure: the printer's text for every package, one after another.</summary>
    internal static string Zpl(Parcel parcel)
    {
        var zpl = new StringBuilder();
        foreach (var package in parcel.Packages) One(zpl, parcel, package);
        return zpl.ToString();
    }

    private static void One(StringBuilder zpl, Parcel parcel, Package package)
    {
        zpl.Append("^XA\n^CI28\n").Append(CultureInfo.InvariantCulture, $"^PW{WidthDots}\n^LL{HeightDots}\n^LH0,0\n");
        Text(zpl, 40, 28, "FROM");
        Text(zpl, 75, 40, parcel.Sender);
        Line(zpl, 140);
        Text(zpl, 165, 28, "TO");
        var y = 205;
        foreach (var line in parcel.Recipient.Take(8))
        {
            Text(zpl, y, 44, line);
            y += 54;
        }
        Line(zpl, 660);
        Text(zpl, 685, 36, $"Order {parcel.OrderNumber}");
        Text(zpl, 735, 36, $"Package {package.SequenceNumber} of {parcel.Packages.Count}");
        Text(zpl, 785, 36, (package.WeightG / 1000m).ToString("0.000", CultureInfo.InvariantCulture) + " kg");
        if (parcel.Carrier is { } carrier) Text(zpl, 835, 36, carrier);
        Line(zpl, 890);
        // Before it is shipped a parcel has no tracking number: then the package's own barcode identifies it.
        Barcode(zpl, 930, parcel.TrackingNumber ?? package.Barcode);
        zpl.Append("^XZ\n");
    }

    private static void Text(StringBuilder zpl, int y, int height, string text) => zpl.Append(CultureInfo.InvariantCulture,
        $"^FO{Margin},{y}^A0N,{height},{height}^FB{WidthDots - 2 * Margin},1,0,L^FH^FD{Escape(text, 48)}^FS\n");

    private static void Line(StringBuilder zpl, int y) => zpl.Append(CultureInfo.InvariantCulture, $"^FO{Margin},{y}^GB{WidthDots - 2 * Margin},3,3^FS\n");

    /// <summary>Code 128 in bars as wide as fit: 11 modules per character, with start, check and stop.</summary>
    private static void Barcode(StringBuilder zpl, int y, string text)
    {
        var modules = 11 * (text.Length + 3) + 2;
        var width = Math.Clamp((WidthDots - 2 * Margin) / modules, 1, 3);
        zpl.Append(CultureInfo.InvariantCulture, $"^FO{Margin},{y}^BY{width}^BCN,180,Y,N,N^FH^FD{Escape(text, 64)}^FS\n");
    }

    /// <summary>What a printer would take for a command – caret, tilde, backslash, the hex mark itself, control characters – goes as ^FH hex.</summary>
    internal static string Escape(string text, int most)
    {
        var safe = new StringBuilder(text.Length + 8);
        foreach (var rune in text.EnumerateRunes().Take(most))
        {
            if (rune.Value is '^' or '~' or '\\' or '_' || rune.Value < ' ') safe.Append('_').Append(rune.Value.ToString("X2", CultureInfo.InvariantCulture));
            else safe.Append(rune.ToString());
        }
        return safe.ToString();
    }
}
