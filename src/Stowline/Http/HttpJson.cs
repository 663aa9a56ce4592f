using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Stowline.Http;

/// <summary>
/// The JSON of the public API: snake_case, strict about types. Modules bring source-generated contexts for what is hot; the reflection
/// resolver behind them serves the rest.
/// </summary>
public static class HttpJson
{
    private static readonly List<IJsonTypeInfoResolver> Contexts = [];
    private static JsonSerializerOptions? s_options;

    /// <summary>Adds a module's source-generated context. Called by modules while they register, before the first request.</summary>
    public static void Add(IJsonTypeInfoResolver context)
    {
        lock (Contexts)
        {
            if (!Contexts.Contains(context)) Contexts.Add(context);
            s_options = null;
        }
    }

    public static JsonSerializerOptions Options
    {
        get
        {
            if (s_options is { } known) return known;
            lock (Contexts)
            {
                var options = new JsonSerializerOptions(JsonSerializerDefaults.General)
                {
                    PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
                    DictionaryKeyPolicy = null,
                    NumberHandling = JsonNumberHandling.Strict,
                    MaxDepth = 32,
                    Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
                    TypeInfoResolver = JsonTypeInfoResolver.Combine([.. Contexts, new DefaultJsonTypeInfoResolver()]),
                };
                options.MakeReadOnly();
                return s_options = options;
            }
        }
    }

    public static JsonTypeInfo<T> Info<T>() => (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));
}
