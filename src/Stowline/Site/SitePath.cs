using Microsoft.AspNetCore.Http;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Site;

/// <summary>Endpoints below <c>/sites/{code}</c>: which site is meant, and the command or list in its scope.</summary>
internal static class SitePath
{
    /// <summary>A segment of the path.</summary>
    public static string Segment(HttpContext http, string name) => http.Request.RouteValues[name] as string ?? "";

    /// <summary>Runs a command with a body in the scope of the site that the path names.</summary>
    public static async Task RunAsync<TBody, T>(HttpContext http, Node node, Func<string, TBody, LaneTransaction, ValueTask<Outcome<T>>> decide,
        int status = 200, Func<T, string>? location = null, int limit = Requests.BodyLimit) where TBody : class
    {
        if (Code(http) is not { } site) { await Answers.WriteAsync(http, Unknown(http)); return; }
        await Commands.RunAsync<TBody, T>(http, node.Lanes, Lane.Site(site), (body, tx) => decide(site, body, tx), status, location, limit: limit);
    }

    /// <summary>Runs a command without a body in the scope of the site that the path names.</summary>
    public static async Task RunAsync<T>(HttpContext http, Node node, Func<string, LaneTransaction, ValueTask<Outcome<T>>> decide)
    {
        if (Code(http) is not { } site) { await Answers.WriteAsync(http, Unknown(http)); return; }
        await Commands.RunAsync(http, node.Lanes, Lane.Site(site), tx => decide(site, tx));
    }

    /// <summary>Answers a read about the site that the path names; 404 <c>site_not_found</c> where this node does not know it.</summary>
    /// <param name="copied">Whether the answer is known here of sites with nodes of their own too; else they are asked themselves: 409 <c>site_is_remote</c>.</param>
    public static async Task ReadAsync<T>(HttpContext http, Node node, Func<string, Task<Outcome<T>>> read, bool copied = false)
    {
        if (Code(http) is not { } site || !await node.KnowsSiteAsync(site, http.RequestAborted)) await Answers.WriteAsync(http, Unknown(http));
        else if (!copied && node.IsRemote(site)) await Answers.WriteAsync(http, Replicas.Refuse(Lane.Site(site)));
        else await Answers.WriteAsync(http, await read(site));
    }

    private static string? Code(HttpContext http) => CodeRule.TryNormalize(http.Request.RouteValues["code"] as string, out var code) ? code : null;

    private static Refusal Unknown(HttpContext http) => Refusal.NotFound("site_not_found", $"there is no site {http.Request.RouteValues["code"]} here");
}

/// <summary>The query of a list, checked: page size, where it goes on, and filters that are codes.</summary>
internal sealed class ListQuery
{
    private readonly HttpContext _http;
    private readonly Problems _problems = new();

    public ListQuery(HttpContext http)
    {
        _http = http;
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) _problems.Add("limit", bad.Errors!["limit"][0]);
        else (Limit, Cursor) = paging.Value;
    }

    public int Limit { get; } = 50;

    /// <summary>One more than is shown tells whether there is a next page.</summary>
    public int More => Limit + 1;
    public string? Cursor { get; }
    public bool IsWrong => _problems.Any;
    public Refusal Refusal => _problems.ToRefusal();

    /// <summary>A filter that must be a code where it is given.</summary>
    public string? Code(string name) => Requests.Query(_http, name) is { } text ? _problems.Code(text, name) : null;

    /// <summary>A filter that must be a word of an enum where it is given; its stored number.</summary>
    public int? Word<T>(string name) where T : struct, Enum
    {
        if (Requests.Query(_http, name) is not { } text) return null;
        if (Contracts.SnakeCaseEnum<T>.TryParse(text, out var value)) return Convert.ToInt32(value, System.Globalization.CultureInfo.InvariantCulture);
        _problems.Add(name, Contracts.SnakeCaseEnum<T>.Choices);
        return null;
    }

    public DateTimeOffset? Time(string name)
    {
        var time = Requests.QueryTime(_http, name);
        if (time.Refusal is { } bad) _problems.Add(name, bad.Errors![name][0]);
        return time.IsOk ? time.Value : null;
    }

    /// <summary>The cursor taken apart into exactly <paramref name="parts"/> codes (an empty one stands for none), or null on the first page.</summary>
    public string[]? CursorCodes(int parts)
    {
        if (Cursor is null) return null;
        var found = Cursor.Split('~');
        if (found.Length == parts && found.All(p => p.Length == 0 || CodeRule.TryNormalize(p, out var code) && code == p)) return found;
        _problems.Add("cursor", "is not one that this list gave");
        return null;
    }

    /// <summary>The cursor as a number, or null on the first page.</summary>
    public long? CursorNumber()
    {
        if (Cursor is null) return null;
        if (long.TryParse(Cursor, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number)) return number;
        _problems.Add("cursor", "is not one that this list gave");
        return null;
    }
}
