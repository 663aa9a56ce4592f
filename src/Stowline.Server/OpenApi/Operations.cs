using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Stowline.Http;

namespace Stowline.Server.OpenApi;

/// <summary>Adds to each operation what its handler reads and answers by itself: path and query parameters, headers, refusals, examples.</summary>
internal static partial class Operations
{
    private static readonly IReadOnlyDictionary<string, string> PathTexts = new Dictionary<string, string>
    {
        ["code"] = "The site's code.",
        ["zone"] = "The zone's code.",
        ["bin"] = "The bin's code.",
        ["sku"] = "The product's SKU.",
        ["key"] = "The id, or the number.",
        ["item"] = "The item's id within the task.",
        ["quote"] = "The quote's id, or its number.",
        ["account"] = "The account's code, which is its orders' channel.",
        ["operation"] = "The operation's id.",
        ["id"] = "The order's id, its number, or channel:external_id.",
    };

    public static Task Complete(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        var api = context.Description;
        var path = "/" + api.RelativePath!;
        var method = api.HttpMethod!;
        operation.OperationId = Id(method, path);
        // What the framework found in the handlers' signatures is written anew together with what it could not see.
        operation.Parameters = [.. PathNames().Matches(path).Select(m => Path(m.Groups[1].Value)),
            .. api.ActionDescriptor.EndpointMetadata.OfType<QueryParameter>().Select(Query)];
        var writes = method != "GET";
        if (writes)
        {
            if (!api.ActionDescriptor.EndpointMetadata.OfType<NotKept>().Any()) operation.Parameters.Add(new OpenApiParameterReference(Document.IdempotencyKey, context.Document));
            operation.Parameters.Add(new OpenApiParameterReference(Document.Actor, context.Document));
        }
        if (operation.RequestBody?.Content is { } body)
        {
            body.Remove("application/*+json"); // as good as application/json, and only noise to a reader
            foreach (var (type, media) in body) DescribeFile(type, media);
            if (Examples.Bodies.TryGetValue($"{method} {path}", out var example)) body["application/json"].Example = JsonNode.Parse(example);
        }
        if (!writes && Csv.CsvLists.IsList(api.ActionDescriptor.EndpointMetadata)) AddCsv(operation);
        AddRefusals(operation, context.Document!, writes, path.Contains('{', StringComparison.Ordinal));
        return Task.CompletedTask;
    }

    /// <summary>A body that is a file, or has one among its parts.</summary>
    private static void DescribeFile(string type, OpenApiMediaType media)
    {
        if (type == "multipart/form-data")
            media.Schema = new OpenApiSchema
            {
                Type = JsonSchemaType.Object, Required = new HashSet<string> { "request", "file" },
                Properties = new Dictionary<string, IOpenApiSchema> { ["request"] = media.Schema!, ["file"] = File() },
            };
        else if (!type.EndsWith("json", StringComparison.Ordinal)) media.Schema = File();
    }

    private static OpenApiSchema File() => new() { Type = JsonSchemaType.String, Format = "binary" };

    private static void AddCsv(OpenApiOperation operation)
    {
        operation.Parameters!.Add(Query(new QueryParameter("format", "json, or csv for the whole list as CSV whatever its length; Accept: text/csv asks for the same.")));
        if (operation.Responses?.GetValueOrDefault("200") is OpenApiResponse { Content: { } content })
            content["text/csv"] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String } };
    }

    private static void AddRefusals(OpenApiOperation operation, OpenApiDocument document, bool writes, bool names)
    {
        var responses = operation.Responses ??= [];
        foreach (var (status, response) in responses)
            if (response is OpenApiResponse told) told.Description = Success(status);
        int[] statuses = [.. writes || operation.Parameters!.Any(p => p.In == ParameterLocation.Query) ? [400] : Array.Empty<int>(),
            403, .. names || writes ? [404] : Array.Empty<int>(), .. writes || names ? [409] : Array.Empty<int>(),
            .. operation.RequestBody is null ? Array.Empty<int>() : [413, 415], 429, 500, 503];
        foreach (var status in statuses)
            responses.TryAdd(status.ToString(System.Globalization.CultureInfo.InvariantCulture), new OpenApiResponseReference(Document.Refusals[status].Id, document));
    }

    private static string Success(string status) => status switch
    {
        "200" => "Done, or as it stands.",
        "201" => "Created.",
        "202" => "Taken; it goes on by itself.",
        "204" => "Nothing to answer.",
        _ => status,
    };

    private static OpenApiParameter Path(string name) => new()
    {
        Name = name, In = ParameterLocation.Path, Required = true, Description = PathTexts.GetValueOrDefault(name),
        Schema = new OpenApiSchema { Type = JsonSchemaType.String },
    };

    private static OpenApiParameter Query(QueryParameter asked)
    {
        var schema = asked.Number is { } n
            ? new OpenApiSchema
            {
                Type = JsonSchemaType.Integer,
                Minimum = n.Least.ToString(System.Globalization.CultureInfo.InvariantCulture),
                Maximum = n.Most == int.MaxValue ? null : n.Most.ToString(System.Globalization.CultureInfo.InvariantCulture),
                Default = JsonValue.Create(n.Otherwise),
                Format = n.Most == int.MaxValue ? "int64" : "int32",
            }
            : new OpenApiSchema { Type = JsonSchemaType.String, Format = asked.Format, Enum = asked.Words is null ? null : Schemas.Words(asked.Words) };
        return new OpenApiParameter
        {
            Name = asked.Name, In = ParameterLocation.Query, Required = asked.Required, Description = asked.Description,
            Schema = asked.Repeated ? new OpenApiSchema { Type = JsonSchemaType.Array, Items = schema } : schema,
            Explode = true, // the default, which the writer then leaves out
        };
    }

    /// <summary>A name for generated clients, made of method and path: stays as long as the address does.</summary>
    private static string Id(string method, string path)
    {
        var words = path["/api/v1".Length..].Split('/', StringSplitOptions.RemoveEmptyEntries).Select(w => w.StartsWith('{') ? "by_" + w.Trim('{', '}') : w.Replace('-', '_'));
        return JsonNamingPolicy.SnakeCaseLower.ConvertName(method) + "_" + string.Join('_', words);
    }

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex PathNames();
}
