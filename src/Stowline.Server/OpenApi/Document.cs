using Microsoft.OpenApi;
using Stowline.Http;

namespace Stowline.Server.OpenApi;

/// <summary>What stands once in the document: title, tags, the problem schema and the answers and headers that operations share.</summary>
internal static class Document
{
    public const string IdempotencyKey = "IdempotencyKey";
    public const string Actor = "Actor";

    /// <summary>Every refusal that more than one operation may answer with, by status.</summary>
    public static readonly IReadOnlyDictionary<int, (string Id, string Text)> Refusals = new Dictionary<int, (string, string)>
    {
        [400] = ("BadRequest", "Something in the request is wrong; errors names the fields."),
        [403] = ("Forbidden", "Not from here, or not for this caller."),
        [404] = ("NotFound", "What the address or the body names does not exist."),
        [409] = ("Conflict", "The state of things does not allow it; code says why."),
        [413] = ("TooLarge", "The body is too large."),
        [415] = ("UnsupportedMediaType", "The body is not JSON."),
        [429] = ("TooMany", "This caller has used up a limit; see Retry-After, RateLimit and RateLimit-Policy."),
        [500] = ("Failed", "Something went wrong here; trace_id finds it in the log."),
        [503] = ("Unavailable", "Cannot be done now; see Retry-After, and ask again with the same Idempotency-Key."),
    };

    private static readonly (string Name, string Text)[] Tags =
    [
        ("Orders", "Placing, reading, changing and cancelling orders."),
        ("Quotes", "Prices of made-to-order goods, calculated in the background."),
        ("Catalog", "Products and their prices."),
        ("Sites", "Warehouses, shops, lockers and other places that hold goods."),
        ("Topology", "Zones and bins of a site."),
        ("Stock", "Goods in bins, their movements, and what can be promised."),
        ("Picking", "Taking ordered goods from bins."),
        ("Packing", "Putting what was picked into packages."),
        ("Shipping", "Shipments and labels."),
        ("Put-back", "Returning picked goods of cancelled orders to bins."),
        ("Returns", "Goods that come back from customers."),
        ("Events", "What happened, as CloudEvents."),
        ("Imports", "Files of comma-separated values; the columns are in docs/csv.md."),
        ("System", "For whoever runs the node."),
    ];

    public static void Complete(OpenApiDocument document)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Stowline",
            Version = "v1",
            Description = "Order fulfillment: orders, stock, picking, packing, shipping. Fields are snake_case, times RFC 3339, weights grams, lengths millimeters. " +
                          "Errors are problem documents (RFC 9457) with a stable code.",
            License = new OpenApiLicense { Name = "Apache-2.0", Identifier = "Apache-2.0" },
        };
        // Relative: the committed copy must not depend on a port.
        document.Servers = [new OpenApiServer { Url = "/" }];
        var used = Schemas.OperationsOf(document).SelectMany(o => o.Tags ?? new HashSet<OpenApiTagReference>())
            .Select(t => t.Reference.Id).ToHashSet();
        document.Tags = Tags.Where(t => used.Contains(t.Name)).Select(t => new OpenApiTag { Name = t.Name, Description = t.Text }).ToHashSet();
        document.AddComponent("Problem", Problem());
        foreach (var (id, text) in Refusals.Values) document.AddComponent<IOpenApiResponse>(id, Refused(text, document));
        document.AddComponent<IOpenApiParameter>(IdempotencyKey, Header("Idempotency-Key",
            "Any text of your own, new for each intent. The same key and body again get the kept answer (with Idempotent-Replayed: true) and nothing is done twice.", 255));
        document.AddComponent<IOpenApiParameter>(Actor, Header("Stowline-Actor", "Who does it: stands in every event and movement. With auth=off only.", 64));
    }

    private static OpenApiSchema Problem() => new()
    {
        Type = JsonSchemaType.Object,
        Description = "A problem document (RFC 9457). Some codes add members of their own.",
        Required = new HashSet<string> { "type", "title", "status", "detail", "code", "trace_id" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = Text("An address made of the code.", "uri"),
            ["title"] = Text("The code in words."),
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32", Description = "The HTTP status." },
            ["detail"] = Text("What is wrong, for people."),
            ["code"] = Text("What is wrong, for programs; never changes."),
            ["trace_id"] = Text("Finds the request in the log."),
            ["errors"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = "What is wrong by field, for example lines[0].quantity.",
                AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.Array, Items = new OpenApiSchema { Type = JsonSchemaType.String } },
            },
        },
        Examples = [Examples.Problem],
    };

    private static OpenApiSchema Text(string text, string? format = null) => new() { Type = JsonSchemaType.String, Description = text, Format = format };

    private static OpenApiResponse Refused(string text, OpenApiDocument document) => new()
    {
        Description = text,
        Content = new Dictionary<string, OpenApiMediaType> { ["application/problem+json"] = new() { Schema = new OpenApiSchemaReference("Problem", document) } },
    };

    private static OpenApiParameter Header(string name, string text, int max) => new()
    {
        Name = name, In = ParameterLocation.Header, Description = text, Schema = new OpenApiSchema { Type = JsonSchemaType.String, MaxLength = max, MinLength = 1 },
    };
}
