using System.Text.Json;
using CsvHelper;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.WebUtilities;
using Stowline.Http;
using Stowline.Kernel;

namespace Stowline.Server.Csv;

/// <summary>
/// Every list as CSV, with <c>?format=csv</c> or <c>Accept: text/csv</c>: the list's own handler is asked for page after page, and each page is
/// sent before the next is read. So filters, keys and order are those of the list, there is no limit of rows, and memory holds one page.
/// Columns are the item's fields; money is two columns; what is itself a list or an object is JSON in its cell.
/// </summary>
internal static class CsvLists
{
    private const string ContentType = "text/csv";

    private sealed class Sink : IPageSink
    {
        public IPage? Page { get; private set; }
        public void Take(IPage page) => Page = page;
    }

    /// <summary>Whether a route answers with a page of items.</summary>
    public static bool IsList(IEnumerable<object> metadata) => ItemOf(metadata) is not null;

    private static Type? ItemOf(IEnumerable<object> metadata) => metadata.OfType<IProducesResponseTypeMetadata>().Select(m => m.Type)
        .FirstOrDefault(t => t is { IsGenericType: true } && t.GetGenericTypeDefinition() == typeof(Page<>))?.GetGenericArguments()[0];

    public static Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        if (!HttpMethods.IsGet(http.Request.Method) || http.GetEndpoint() is not { } endpoint || ItemOf(endpoint.Metadata) is not { } item) return next(http);
        var format = Requests.Query(http, "format");
        if (format is not (null or "json" or "csv")) return Answers.WriteAsync(http, Refusal.Invalid("format", "must be json or csv"));
        return format == "csv" || format is null && http.Request.Headers.Accept.ToString().Contains(ContentType, StringComparison.OrdinalIgnoreCase)
            ? WriteAsync(http, next, item, http.Response.Body) : next(http);
    }

    /// <summary>Writes a list as CSV to elsewhere than the answer, which then holds only why it was refused.</summary>
    public static Task ExportAsync(HttpContext http, RouteEndpoint list, Stream output) =>
        WriteAsync(http, list.RequestDelegate!, ItemOf(list.Metadata) ?? throw new ArgumentException("is no list", nameof(list)), output);

    private static async Task WriteAsync(HttpContext http, RequestDelegate next, Type item, Stream output)
    {
        var columns = ColumnsOf(item);
        var page = await PageAsync(http, next, http.Request.Query["cursor"].ToString());
        if (page is null) return; // refused: the handler has said why
        http.Response.ContentType = ContentType + "; charset=utf-8";
        var name = http.Request.Path.Value!.TrimEnd('/').Split('/')[^1];
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"{string.Concat(name.Where(c => char.IsAsciiLetterOrDigit(c) || c == '-'))}.csv\"";
        await using var csv = CsvWriter.Create(output, new CsvWriterOptions(), leaveOpen: true);
        await csv.WriteRecordAsync([.. columns.Select(c => c.Name)], http.RequestAborted);
        while (true)
        {
            foreach (var row in page.Items)
            {
                var json = JsonSerializer.SerializeToElement(row, HttpJson.Options.GetTypeInfo(item));
                await csv.WriteRecordAsync([.. columns.Select(c => Cell(json, c))], http.RequestAborted);
            }
            await csv.FlushAsync(http.RequestAborted);
            if (page.NextCursor is not { } cursor) return;
            page = await PageAsync(http, next, cursor) ?? throw new InvalidOperationException("a list refused a cursor that it gave");
        }
    }

    /// <summary>Asks the list's handler for the page behind a cursor. Null where it refused and has answered so.</summary>
    private static async Task<IPage?> PageAsync(HttpContext http, RequestDelegate next, string cursor)
    {
        var query = QueryHelpers.ParseQuery(http.Request.QueryString.Value);
        query["limit"] = Limits.MaxListLimit.ToString(System.Globalization.CultureInfo.InvariantCulture);
        query.Remove("cursor");
        if (cursor.Length > 0) query["cursor"] = cursor;
        var (given, sink) = (http.Request.Query, new Sink());
        http.Request.Query = new QueryCollection(query);
        http.Features.Set<IPageSink>(sink);
        try
        {
            await next(http);
            return sink.Page;
        }
        finally
        {
            http.Request.Query = given;
            http.Features.Set<IPageSink>(null);
        }
    }

    /// <param name="Part">The member of the field that goes into this column; null for the field itself.</param>
    private sealed record CsvColumn(string Name, string Field, string? Part = null);

    private static CsvColumn[] ColumnsOf(Type item) => [.. HttpJson.Options.GetTypeInfo(item).Properties.Where(p => p.Get is not null).SelectMany(p =>
        (Nullable.GetUnderlyingType(p.PropertyType) ?? p.PropertyType) == typeof(Money)
            ? new[] { new CsvColumn(p.Name, p.Name, "amount"), new CsvColumn(p.Name + "_currency", p.Name, "currency") } : [new CsvColumn(p.Name, p.Name)])];

    private static string Cell(JsonElement item, CsvColumn column)
    {
        if (!item.TryGetProperty(column.Field, out var value) || value.ValueKind == JsonValueKind.Null) return "";
        // An amount is a number in the form of text: a minus in front of it is no formula.
        if (column.Part is { } part) return value.GetProperty(part).GetString() ?? "";
        return value.ValueKind == JsonValueKind.String ? CsvText.Guard(value.GetString()!) : value.GetRawText();
    }
}
