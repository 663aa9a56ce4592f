using Microsoft.AspNetCore.Http;

namespace Stowline.Http;

/// <summary>
/// What the caller's key is limited to; empty where it is not. Set by the server before the endpoint runs. What the server cannot judge from the
/// address alone (lists, bodies) the endpoint limits by itself.
/// </summary>
public sealed record CallLimits(IReadOnlyList<string> Sites, IReadOnlyList<string> Sellers)
{
    private static readonly CallLimits None = new([], []);

    public static CallLimits Of(HttpContext http) => http.Features.Get<CallLimits>() ?? None;

    public bool Any => Sites.Count > 0 || Sellers.Count > 0;
}
