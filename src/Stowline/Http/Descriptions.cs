using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Stowline.Http;

/// <summary>A query parameter that a handler reads by itself, told for the API's description.</summary>
/// <param name="Words">An enum whose words are the allowed values.</param>
/// <param name="Format">OpenAPI's format of the text, for example date-time.</param>
public sealed record QueryParameter(string Name, string Description, Type? Words = null, string? Format = null, bool Required = false, bool Repeated = false,
    (int Least, int Most, int Otherwise)? Number = null);

/// <summary>Of an endpoint whose answers are not kept for a repeated <c>Idempotency-Key</c>.</summary>
public sealed record NotKept;

/// <summary>
/// What handlers that read and write for themselves cannot be seen to do, said beside their routes. Nothing here is looked at while requests
/// are served, except the content types that a body may have.
/// </summary>
public static class Descriptions
{
    public static RouteHandlerBuilder Reads(this RouteHandlerBuilder route, string name, string description, Type? words = null, string? format = null,
        bool required = false, bool repeated = false) => route.WithMetadata(new QueryParameter(name, description, words, format, required, repeated));

    /// <summary>A list in pages: limit and cursor in the query, <see cref="Page{T}"/> in the answer.</summary>
    /// <param name="otherwise">How many items a page has where the caller does not say.</param>
    public static RouteHandlerBuilder Pages<T>(this RouteHandlerBuilder route, int otherwise = Kernel.Limits.UsualListLimit) => route.Produces<Page<T>>().WithMetadata(
        new QueryParameter("limit", "How many items a page has at most.", Number: (1, Kernel.Limits.MaxListLimit, otherwise)),
        new QueryParameter("cursor", "The next_cursor of the page before; without it, the first page."));

    /// <summary>A list of what is short as a rule: one page is all of it, unless the caller asks for less (see <see cref="Pages.Of"/>).</summary>
    public static RouteHandlerBuilder ShortPages<T>(this RouteHandlerBuilder route) => route.Pages<T>(Kernel.Limits.MaxListLimit);

    /// <summary>The answer is not kept for a repeated <c>Idempotency-Key</c>: it has a secret in it, or who asks names what is done in another way.</summary>
    public static RouteHandlerBuilder KeepsNoAnswer(this RouteHandlerBuilder route) => route.WithMetadata(new NotKept());

    /// <summary>A JSON body. Any +json type is as good, as for <see cref="Requests.ReadAsync{T}"/>.</summary>
    public static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder route, bool optional = false) where T : notnull =>
        route.Accepts<T>(optional, "application/json", "application/*+json");
}
