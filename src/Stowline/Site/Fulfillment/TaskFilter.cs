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
    internal sealed record Values(string Site, int Status, Guid Order, string Worker, Guid After, int Take);

    public string? Next(int found, Guid? last) => found > Limit ? last.ToString() : null;

    /// <summary>Answers a list whose items are one row each.</summary>
    /// <param name="select">The statement up to its conditions. Never text from outside.</param>
    public static async Task AnswerAsync<TStatus, TRow, T>(HttpContext http, Database database, string select, Func<TRow, T> show, Func<TRow, Guid> id)
        where TStatus : struct, Enum
    {
        var filter = Read<TStatus>(http, withWorker: false);
        if (filter.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var f = filter.Value;
        var rows = await database.ReadAsync(async s => await s.QueryAsync<TRow>($"{select} {f.Where} ORDER BY id LIMIT @Take", f.Arguments), http.RequestAborted);
        await Answers.WriteAsync<Page<T>>(http, new Page<T>([.. rows.Take(f.Limit).Select(show)], f.Next(rows.Count, rows.Count > f.Limit ? id(rows[f.Limit - 1]) : null)));
    }

    public static Outcome<TaskFilter> Read<TStatus>(HttpContext http, bool withWorker) where TStatus : struct, Enum
    {
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) return bad;
        var conditions = new List<string>();
        var problems = new Problems();
        Guid after = default, order = default;
        var status = default(TStatus);
        if (paging.Value.Cursor is { } cursor)
        {
            problems.Check(Guid.TryParse(cursor, out after), "cursor", "is not one of ours");
            conditions.Add("id > @After");
        }
        var site = Requests.Query(http, "site");
        if (site is not null)
        {
            site = problems.Code(site, "site");
            conditions.Add("site = @Site");
        }
        if (Requests.Query(http, "status") is { } statusText)
        {
            problems.Check(SnakeCaseEnum<TStatus>.TryParse(statusText, out status), "status", SnakeCaseEnum<TStatus>.Choices);
            conditions.Add("status = @Status");
        }
        if (Requests.Query(http, "order") is { } orderText)
        {
            problems.Check(Guid.TryParse(orderText, out order), "order", "must be an order's id");
            conditions.Add("order_id = @Order");
        }
        var worker = withWorker ? Requests.Query(http, "worker") : null;
        if (worker is not null)
        {
            worker = problems.Required(worker, "worker", 64);
            conditions.Add("worker = @Worker");
        }
        if (problems.Any) return problems.ToRefusal();
        var where = conditions.Count == 0 ? "" : "WHERE " + string.Join(" AND ", conditions);
        return new TaskFilter(where, new Values(site ?? "", Convert.ToInt32(status, System.Globalization.CultureInfo.InvariantCulture), order, worker ?? "", after,
            paging.Value.Limit + 1), paging.Value.Limit);
    }
}
