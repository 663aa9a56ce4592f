using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Stowline.Http;

namespace Stowline.Server.OpenApi;

/// <summary>The API's description (OpenAPI 3.1) at <c>/openapi/v1.json</c> and a page that shows it at <c>/docs</c>.</summary>
internal static class ApiDescription
{
    private const string Name = "v1";

    /// <summary>The page is one file without addresses of other hosts, and the policy keeps it so.</summary>
    private const string PagePolicy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static void Register(IServiceCollection services)
    {
        // Schemas are made from these options, so they must speak as the API does.
        services.ConfigureHttpJsonOptions(o =>
        {
            var json = HttpJson.Options;
            o.SerializerOptions.PropertyNamingPolicy = json.PropertyNamingPolicy;
            o.SerializerOptions.PropertyNameCaseInsensitive = false;
            o.SerializerOptions.NumberHandling = json.NumberHandling;
            o.SerializerOptions.TypeInfoResolverChain.Clear();
            o.SerializerOptions.TypeInfoResolverChain.Add(json.TypeInfoResolver!);
        });
        services.AddOpenApi(Name, o =>
        {
            var schemas = new Schemas();
            o.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
            o.CreateSchemaReferenceId = schemas.NameOf;
            o.ShouldInclude = api => api.RelativePath?.StartsWith("api/v1", StringComparison.Ordinal) == true;
            o.AddSchemaTransformer(schemas.Complete);
            o.AddOperationTransformer(Operations.Complete);
            o.AddDocumentTransformer((document, _, _) =>
            {
                Document.Complete(document);
                Schemas.Tidy(document);
                schemas.RequireWhatIsAlwaysWritten(document);
                return Task.CompletedTask;
            });
        });
    }

    public static void Map(IEndpointRouteBuilder app)
    {
        // Made by whoever asks first and kept: a node starts no later for it, and most nodes are never asked.
        var made = new Lazy<Task<byte[]>>(() => MakeAsync(app.ServiceProvider));
        var page = new Lazy<byte[]>(ReadPage);
        app.Get("/openapi/v1.json", async http => await Answers.WriteBytesAsync(http, 200, null, await made.Value, "application/json; charset=utf-8"));
        app.Get("/docs", http =>
        {
            http.Response.Headers.ContentSecurityPolicy = PagePolicy;
            return Answers.WriteBytesAsync(http, 200, null, page.Value, "text/html; charset=utf-8");
        });
    }

    private static async Task<byte[]> MakeAsync(IServiceProvider services)
    {
        var document = await services.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name).GetOpenApiDocumentAsync();
        using var stream = new MemoryStream();
        await document.SerializeAsJsonAsync(stream, OpenApiSpecVersion.OpenApi3_1);
        stream.WriteByte((byte)'\n'); // as files end
        return stream.ToArray();
    }

    private static byte[] ReadPage()
    {
        using var file = typeof(ApiDescription).Assembly.GetManifestResourceStream("reference.html") ?? throw new InvalidOperationException("the reference page was not built in");
        using var copy = new MemoryStream();
        file.CopyTo(copy);
        return copy.ToArray();
    }
}
