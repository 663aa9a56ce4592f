using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Site.Fulfillment;

namespace Stowline.Site.Shipping;

/// <summary>What is in a parcel, as a page to print and put into it (F6). Refusals: those of <see cref="Labels"/>.</summary>
internal static class PackingLists
{
    public static void Map(IEndpointRouteBuilder api, Node node) =>
        api.MapGet("/packing-tasks/{key}/packing-list", async (HttpContext http, string key) =>
        {
            var parcel = await Labels.FindAsync(http, node.Database, key);
            if (parcel.Refusal is { } no) await Answers.WriteAsync(http, no);
            else await Labels.WriteAsync(http, Html(parcel.Value.Parcel, parcel.Value.Lines), "text/html; charset=utf-8");
        }).WithTags("Shipping").WithSummary("The packing list of a packed task, as a page to print").Produces<string>(contentType: "text/html");

    /// <summary>Pure. Packages that do not say what is in them are listed without; then the list of all units stands for them.</summary>
    internal static string Html(Parcel parcel, IReadOnlyList<PackingLine> lines)
    {
        var html = new StringBuilder();
        html.Append(CultureInfo.InvariantCulture, $"<!doctype html><html><head><meta charset=\"utf-8\"><title>Packing list {parcel.OrderNumber}</title>");
        html.Append("<style>body{font-family:sans-serif;margin:2em}table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #999;padding:.3em .8em;text-align:start}td.n{text-align:end}</style></head><body>");
        html.Append(CultureInfo.InvariantCulture, $"<h1>Packing list – order {parcel.OrderNumber}</h1><p dir=\"auto\">{Lines(parcel.Sender)}</p><p dir=\"auto\">{Lines(parcel.Recipient)}</p>");
        foreach (var package in parcel.Packages)
        {
            var number = package.Sscc is { } sscc ? "SSCC " + sscc : package.Barcode;
            html.Append(CultureInfo.InvariantCulture, $"<h2>Package {package.SequenceNumber} of {parcel.Packages.Count}</h2><p>{WebUtility.HtmlEncode(number)}, {package.WeightG} g, {package.LengthMm} × {package.WidthMm} × {package.HeightMm} mm</p>");
            if (package.Lines is { Count: > 0 } named) Table(html, [.. named.Select(l => (l.Sku, "", l.Quantity))]);
        }
        html.Append("<h2>All units</h2>");
        Table(html, [.. lines.Select(l => (l.Sku, l.Lot ?? "", l.Quantity))]);
        return html.Append("</body></html>\n").ToString();
    }

    private static string Lines(IReadOnlyList<string> lines) => string.Join("<br>", lines.Select(WebUtility.HtmlEncode));

    private static void Table(StringBuilder html, IReadOnlyList<(string Sku, string Lot, int Quantity)> rows)
    {
        html.Append("<table><tr><th>SKU</th><th>Lot</th><th>Quantity</th></tr>");
        foreach (var (sku, lot, quantity) in rows)
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{WebUtility.HtmlEncode(sku)}</td><td>{WebUtility.HtmlEncode(lot)}</td><td class=\"n\">{quantity}</td></tr>");
        html.Append("</table>");
    }
}
