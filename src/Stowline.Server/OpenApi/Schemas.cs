using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Stowline.Kernel;

namespace Stowline.Server.OpenApi;

/// <summary>Schemas as the converters write: the framework cannot look into those.</summary>
internal sealed partial class Schemas
{
    // Bodies are read with everything optional, so that all that is missing can be told at once; this is what the checks then ask for.
    private static readonly IReadOnlyDictionary<string, string[]> Needed = new Dictionary<string, string[]>
    {
        ["OrderBody"] = ["lines"],
        ["OrderLineBody"] = ["sku", "quantity"],
        ["ReceiptBody"] = ["lines"],
        ["ReceiptLine"] = ["sku", "quantity"],
        ["AssignPickingBody"] = ["worker"],
        ["PickItemBody"] = ["quantity"],
        ["PickItemsBody"] = ["items"],
        ["PickEntryBody"] = ["item", "quantity"],
        ["AddPackageBody"] = ["packaging_type", "weight_g", "length_mm", "width_mm", "height_mm"],
        ["ShipPackingBody"] = ["carrier"],
        ["CountLineBody"] = ["sku", "bin", "counted"],
        ["RemoveLineBody"] = ["sku", "bin", "quantity"],
        ["TransferBody"] = ["from", "to", "lines"],
        ["TransferLineBody"] = ["sku", "quantity"],
        ["TransferReceiptBody"] = ["transfer"],
        ["ReceiveReturnBody"] = ["reference", "reason", "lines"],
        ["ReturnLineBody"] = ["sku", "quantity"],
        ["ChannelBody"] = ["kind"],
        ["OffersBody"] = ["items"],
        ["OfferEntry"] = ["offer", "sku"],
        ["ResumeParked"] = ["consumer", "lane", "subject"],
        ["DiscardParked"] = ["consumer", "lane", "subject", "reason"],
    };

    private readonly ConcurrentDictionary<string, Type> _names = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, IReadOnlyList<string>> _written = new(StringComparer.Ordinal);

    /// <summary>The name of a type's schema, or null for what is written in place. Two types of one name would silently become one.</summary>
    public string? NameOf(JsonTypeInfo info)
    {
        var type = Nullable.GetUnderlyingType(info.Type) ?? info.Type;
        var name = type == typeof(JsonElement) ? null // anything: a schema of that name would say nothing
            : type == typeof(Money) || type.IsEnum ? type.Name
            : OpenApiOptions.CreateDefaultSchemaReferenceId(info);
        if (name is not null && _names.GetOrAdd(name, type) != type)
            throw new InvalidOperationException($"{type} and {_names[name]} would both be {name} in the API's description; rename one of them");
        return name;
    }

    public Task Complete(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken ct)
    {
        var info = context.JsonTypeInfo;
        var type = Nullable.GetUnderlyingType(info.Type) ?? info.Type;
        if (type == typeof(Money)) FillMoney(schema);
        else if (type.IsEnum)
        {
            schema.Type = JsonSchemaType.String;
            schema.Enum = Words(type);
        }
        else if (type == typeof(string) && schema.Type is null) schema.Type = JsonSchemaType.String | JsonSchemaType.Null; // TextOrNumber: text in every answer
        else if (info.Kind == JsonTypeInfoKind.Object && NameOf(info) is { } name) _written[name] = [.. info.Properties.Where(IsAlwaysWritten).Select(p => p.Name)];
        return Task.CompletedTask;
    }

    public static List<JsonNode> Words(Type type) =>
        [.. Enum.GetNames(type).Select(n => (JsonNode)JsonValue.Create(JsonNamingPolicy.SnakeCaseLower.ConvertName(n)))];

    /// <summary>What a caller sends may leave out fields and be told so; what it gets has them all, and generated clients may rely on that.</summary>
    public void RequireWhatIsAlwaysWritten(OpenApiDocument document)
    {
        var sent = new HashSet<string>(StringComparer.Ordinal);
        foreach (var operation in OperationsOf(document))
            foreach (var media in operation.RequestBody?.Content?.Values ?? []) Reach(media.Schema, document, sent);
        foreach (var (name, schema) in document.Components?.Schemas ?? new Dictionary<string, IOpenApiSchema>())
        {
            if (schema is not OpenApiSchema own || !_written.TryGetValue(name, out var written)) continue;
            string[] required = sent.Contains(name) ? Needed.GetValueOrDefault(name, []) : [.. written];
            own.Required = required.Length == 0 ? null : required.ToHashSet(StringComparer.Ordinal);
        }
    }

    /// <summary>The comments of the code are the descriptions, less what only its authors can follow.</summary>
    public static void Tidy(OpenApiDocument document)
    {
        foreach (var schema in document.Components?.Schemas?.Values ?? Enumerable.Empty<IOpenApiSchema>())
        {
            Tidy(schema);
            foreach (var property in schema.Properties?.Values ?? Enumerable.Empty<IOpenApiSchema>()) Tidy(property);
        }
    }

    private static void Tidy(IOpenApiSchema schema)
    {
        if (schema is OpenApiSchema { Description: { } text } own) own.Description = Inward().Replace(text, "").Trim();
    }

    [GeneratedRegex(@" ?\((?:contract[^)]*|[A-Z]\d+(?:[–-][A-Z]?\d+)?(?:, ?[A-Z]\d+)*)\)| ?Stored: append, never renumber\.")]
    private static partial Regex Inward();

    public static IEnumerable<OpenApiOperation> OperationsOf(OpenApiDocument document) =>
        document.Paths.Values.SelectMany(p => p.Operations is { } operations ? operations.Values.AsEnumerable() : []);

    private static void Reach(IOpenApiSchema? schema, OpenApiDocument document, HashSet<string> found)
    {
        if (schema is null) return;
        if (schema is OpenApiSchemaReference reference)
        {
            if (!found.Add(reference.Reference.Id!)) return;
            if (document.Components?.Schemas?.TryGetValue(reference.Reference.Id!, out var known) == true) Reach(known, document, found);
            return;
        }
        Reach(schema.Items, document, found);
        Reach(schema.AdditionalProperties, document, found);
        foreach (var part in schema.Properties?.Values ?? []) Reach(part, document, found);
        foreach (var part in (schema.OneOf ?? []).Concat(schema.AnyOf ?? []).Concat(schema.AllOf ?? [])) Reach(part, document, found);
    }

    private static bool IsAlwaysWritten(JsonPropertyInfo property) => property.Get is not null &&
        property.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), true).OfType<JsonIgnoreAttribute>().Any(i => i.Condition != JsonIgnoreCondition.Never) != true;

    private static void FillMoney(OpenApiSchema schema)
    {
        schema.Type = JsonSchemaType.Object;
        schema.Description = "An amount of one currency.";
        schema.Required = new HashSet<string> { "amount", "currency" };
        schema.Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["amount"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "A decimal number as text, up to 4 decimals.", Pattern = @"^-?\d+(\.\d{1,4})?$" },
            ["currency"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "ISO 4217.", Pattern = "^[A-Z]{3}$" },
        };
        schema.Examples = [JsonNode.Parse("""{"amount":"2.55","currency":"GBP"}""")!];
    }
}
