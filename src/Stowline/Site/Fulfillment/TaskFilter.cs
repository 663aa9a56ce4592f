using Microsoft.AspNetCore.Http;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// The filters of a list of tasks: <c>?site=&amp;status=&amp;order=&amp;worker=</c>, by keyset of the id, which sorts by age. Only the conditions that are
/// asked for become part of the statement, so that each combination can use its index.
/// </summary>
internal sealed record TaskFilter(string Where, TaskFilter.Values Arguments, int Limit)
{
    /// <summary>All arguments that a statement may name; both clients leave out those that it does not.</summary>
    internal sealed record Values(string? Site, int? Status, Guid? Order, string? Worker, Guid? After, int Take)
    {
        /// <summary>For a list that asks for it.</summary>
        public string? Station { get; init; }

        /// <summary>The youngest first; for a list that asks for it.</summary>
        public bool Newest { get; init; }
    }

    /// <summary>With one more condition. Never text from outside.</summary>
    public TaskFilter And(string condition) => this with { Where = Where.Length == 0 ? "WHERE " + condition : $"{Where} AND {condition}" };

    /// <summary>The page of the rows found, of which there may be one too many, and where the next one begins.</summary>
    public (IReadOnlyList<T> Items, string? Next) Cut<T>(IReadOnlyList<T> found, Func<T, Guid> id) =>
        found.Count > Limit ? ([.. found.Take(Limit)], id(found[Limit - 1]).ToString()) : (found, null);

    /// <summary>Answers a list whose items are one row each.</summary>
    /// <param name="select">The statement up to its conditions. Never text from outside.</param>
    public static async Task AnswerAsync<TStatus, TRow, T>(HttpContext http, Node node, string select, Func<TRow, T> show, Func<TRow, Guid> id)
        where TStatus : struct, Enum
    {
        var filter = await ReadAsync<TStatus>(http, node, withWorker: false);
        if (filter.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var f = filter.Value;
        var rows = await node.Database.ReadAsync(async s => await s.QueryAsync<TRow>($"{select} {f.Where} ORDER BY id LIMIT @Take", f.Arguments), http.RequestAborted);
        var (page, next) = f.Cut(rows, id);
        await Answers.WriteAsync<Page<T>>(http, new Page<T>([.. page.Select(show)], next));
    }

    public static async Task<Outcome<TaskFilter>> ReadAsync<TStatus>(HttpContext http, Node node, bool withWorker) where TStatus : struct, Enum
    {
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) return bad;
        Guid? order = null;
        if (Requests.Query(http, "order") is { } text)
        {
            if (!Guid.TryParse(text, out _) && !text.All(char.IsAsciiDigit) && !text.Contains(':', StringComparison.Ordinal))
                return Refusal.Invalid("order", "must be an order's id, its number, or channel:external_id");
            // Of an order that is not here there are no tasks.
            order = await node.FindOrderAsync(text, http.RequestAborted) ?? Guid.Empty;
        }
        return Of<TStatus>(paging.Value.Limit, paging.Value.Cursor, Requests.Query(http, "site"), Requests.Query(http, "status"), order, withWorker ? Requests.Query(http, "worker") : null);
    }

    /// <summary>As above from what another door was given; null and absent are the same.</summary>
    public static Outcome<TaskFilter> Of<TStatus>(int limit, string? cursor, string? site, string? statusText, Guid? order, string? worker, bool newest = false) where TStatus : struct, Enum
    {
        var conditions = new List<string>();
        var problems = new Problems();
        Guid? after = null;
        TStatus? status = null;
        if (cursor is not null)
        {
            after = Guid.TryParse(cursor, out var at) ? at : null;
            problems.Check(after is not null, "cursor", "is not one of ours");
            conditions.Add(newest ? "id < @After" : "id > @After");
        }
        if (site is not null)
        {
            site = problems.Code(site, "site");
            conditions.Add("site = @Site");
        }
        if (statusText is not null)
        {
            status = SnakeCaseEnum<TStatus>.TryParse(statusText, out var known) ? known : null;
            problems.Check(status is not null, "status", SnakeCaseEnum<TStatus>.Choices);
            conditions.Add("status = @Status");
        }
        if (order is not null) conditions.Add("order_id = @Order");
        if (worker is not null)
        {
            worker = problems.Required(worker, "worker", 64);
            conditions.Add("worker = @Worker");
        }
        if (problems.Any) return problems.ToRefusal();
        var where = conditions.Count == 0 ? "" : "WHERE " + string.Join(" AND ", conditions);
        return new TaskFilter(where, new Values(site, status is { } s ? Convert.ToInt32(s, System.Globalization.CultureInfo.InvariantCulture) : null, order, worker, after,
            limit + 1) { Newest = newest }, limit);
    }
}
