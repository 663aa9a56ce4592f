using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Quotes;

public sealed record QuoteReason(string? Reason) : IOptionalBody;

/// <summary>Cancels a calculation, also while it runs, and begins one again. A wrong transition is 409 <c>invalid_transition</c>.</summary>
internal static class ChangeQuote
{
    public static void Map(IEndpointRouteBuilder api, Node node, RunningQuotes running, Signal wake)
    {
        api.MapPost("/quotes/{quote}/cancel", (HttpContext http, string quote) => RunAsync<QuoteReason>(http, node, quote, (body, id, tx) => CancelAsync(id, body.Reason, running, tx)))
            .WithTags("Quotes").WithSummary("Stop a calculation").Accepts<QuoteReason>("application/json").Produces<QuoteView>();
        api.MapPost("/quotes/{quote}/retry", async (HttpContext http, string quote) =>
        {
            if (await ReadQuotes.IdOfAsync(node, quote, http.RequestAborted) is not { } id) { await Answers.WriteAsync(http, ReadQuotes.NotFound(quote)); return; }
            await Commands.RunAsync(http, node.Lanes, Lane.Hub, tx => RetryAsync(id, wake, tx), 202, q => q.Links.Self);
        }).WithTags("Quotes").WithSummary("Calculate a quote again, with the price model of now").Produces<QuoteView>(202);
    }

    private static async Task RunAsync<TBody>(HttpContext http, Node node, string quote, Func<TBody, Guid, LaneTransaction, ValueTask<Outcome<QuoteView>>> decide) where TBody : class
    {
        if (await ReadQuotes.IdOfAsync(node, quote, http.RequestAborted) is not { } id) { await Answers.WriteAsync(http, ReadQuotes.NotFound(quote)); return; }
        await Commands.RunAsync<TBody, QuoteView>(http, node.Lanes, Lane.Hub, (body, tx) => decide(body, id, tx));
    }

    public static async ValueTask<Outcome<QuoteView>> CancelAsync(Guid id, string? reason, RunningQuotes running, LaneTransaction tx)
    {
        var problems = new Problems();
        reason = problems.Text(reason, "reason", 500);
        if (problems.Any) return problems.ToRefusal();
        if (await QuoteRow.FindAsync(tx, id) is not { } row) return ReadQuotes.NotFound(id.ToString());
        if (row.Status == QuoteStatus.Cancelled) return Outcome<QuoteView>.AlreadyDone(row.View);
        if (!QuoteLifecycle.May(row.Status, QuoteAction.Cancel)) return Wrong(row, "cancelled");
        await tx.WriteAsync("UPDATE quotes SET status = @status, lease_until = NULL, leased_by = NULL, finished_at = @now WHERE id = @id",
            new { status = QuoteStatus.Cancelled, now = tx.Now, id });
        tx.Append(Lane.Hub, new QuoteCancelled(id, row.Number, row.Client, reason), row.Subject);
        tx.OnCommitted(() => running.Cancel(id));
        tx.Measure<QuoteMetrics>(m => m.Finished("cancelled", tx.Now - row.RequestedAt));
        return (row with { Status = QuoteStatus.Cancelled, FinishedAt = tx.Now }).View;
    }

    /// <summary>It keeps its rank: it has waited before.</summary>
    public static async ValueTask<Outcome<QuoteView>> RetryAsync(Guid id, Signal wake, LaneTransaction tx)
    {
        if (await QuoteRow.FindAsync(tx, id) is not { } row) return ReadQuotes.NotFound(id.ToString());
        if (row.Status == QuoteStatus.Calculating) return Outcome<QuoteView>.AlreadyDone(row.View);
        if (!QuoteLifecycle.May(row.Status, QuoteAction.Retry)) return Wrong(row, "calculated again");
        if (row.ModelFormat is not null && row.FinishedAt < tx.Now - QuoteCleaning.Kept) return Refusal.Conflict("model_gone", "the model file was deleted; ask for a new quote");
        await tx.WriteAsync("""
            UPDATE quotes SET status = @status, tries = 0, progress = 0, not_before = @now, measures = NULL, price = NULL, error_code = NULL, error_reason = NULL, error_detail = NULL,
                valid_until = NULL, finished_at = NULL WHERE id = @id
            """, new { status = QuoteStatus.Calculating, now = tx.Now, id });
        tx.Append(Lane.Hub, new QuoteRetried(id, row.Number), row.Subject);
        tx.OnCommitted(wake.Set);
        return (row with
        {
            Status = QuoteStatus.Calculating, Tries = 0, Progress = 0, Measures = null, Price = null, ErrorCode = null, ErrorReason = null, ErrorDetail = null, ValidUntil = null, FinishedAt = null,
        }).View;
    }

    public static Refusal Wrong(QuoteRow row, string what) =>
        Refusal.Conflict("invalid_transition", $"a quote that is {SnakeCaseEnum<QuoteStatus>.Text(row.Status)} cannot be {what}");
}
