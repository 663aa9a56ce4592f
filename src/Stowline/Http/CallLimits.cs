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

/// <summary>Of an endpoint that others reach without a key because they sign what they send. It looks itself who may come in.</summary>
public sealed record SignedDoor;

/// <summary>A feature of a request that came to a <see cref="SignedDoor"/> without a key, on a node that asks for keys.</summary>
public sealed record WithoutKey;
