using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Stowline.Http;

/// <summary>
/// Maps handlers that write their own answer. As a delegate rather than a RequestDelegate, so that the endpoint can still say what it accepts
/// and produces.
/// </summary>
public static class Routes
{
    public static RouteHandlerBuilder Get(this IEndpointRouteBuilder api, string pattern, Func<HttpContext, Task> handler) => api.MapGet(pattern, (Delegate)handler);
    public static RouteHandlerBuilder Put(this IEndpointRouteBuilder api, string pattern, Func<HttpContext, Task> handler) => api.MapPut(pattern, (Delegate)handler);
    public static RouteHandlerBuilder Post(this IEndpointRouteBuilder api, string pattern, Func<HttpContext, Task> handler) => api.MapPost(pattern, (Delegate)handler);
    public static RouteHandlerBuilder Delete(this IEndpointRouteBuilder api, string pattern, Func<HttpContext, Task> handler) => api.MapDelete(pattern, (Delegate)handler);
}
