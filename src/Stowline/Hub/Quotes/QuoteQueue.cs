using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Quotes.Mesh;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Quotes;

/// <summary>A quote that a worker of this process has leased.</summary>
/// <param name="Claim">The lease: whoever leases the quote after this gets a higher number, and this one may then write nothing any more.</param>
internal sealed record ClaimedQuote(QuoteRow Quote, int Claim, double MinWallMm);

/// <summary>
/// The queue of quotes, in the database, for the workers of all processes (H6). The order is by the time of asking less the head start of the client's
/// class: a fixed rank, so a later one can only pass an earlier one by its head start, and nobody starves. A lease ends by the clock, so a killed process
/// holds a quote up for half a minute.
/// </summary>
internal sealed class QuoteQueue(Node node, ModelFolder folder)
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);
    private const int MaxTries = 5;

    private const string Next = $"""
        SELECT {QuoteRow.Columns} FROM quotes
        WHERE status = 1 AND not_before <= @now AND (lease_until IS NULL OR lease_until <= @now) AND (folder IS NULL OR folder = @folder) ORDER BY rank_at, id LIMIT 1
        """;

    /// <summary>Leases the next quote; null when there is none for this process.</summary>
    public async Task<ClaimedQuote?> ClaimAsync(CancellationToken ct)
    {
        var id = folder.Id;
        // Looking costs the writer nothing; it is asked only when there is something to do.
        var any = await node.Database.ReadAsync(async s => await s.FindAsync<QuoteRow>(Next, new { now = node.Time.GetUtcNow(), folder = id }), ct);
        if (any is null) return null;
        // Not cancelled with the process: a lease that nobody knows of would hold the quote up until it runs out.
        var claimed = await node.Lanes.ExecuteAsync<ClaimedQuote?>(Lane.Hub, Caller.System, async tx =>
        {
            while (await tx.FindAsync<QuoteRow>(Next, new { now = tx.Now, folder = id }) is { } row)
            {
                // Five processes have begun it and none has come to an end: it may be what ends them.
                if (row.Tries >= MaxTries)
                {
                    await FailAsync(tx, row, "gave_up", null, $"tried {row.Tries} times");
                    continue;
                }
                await tx.WriteAsync("UPDATE quotes SET leased_by = @process, lease_until = @until, claims = claims + 1, tries = tries + 1, progress = 0 WHERE id = @id",
                    new { process = node.Lanes.Process, until = tx.Now + Lease, id = row.Id });
                var wall = (await PriceModels.CurrentAsync(tx))?.Model.Material(row.Material)?.MinWallMm ?? 0;
                return new ClaimedQuote(row, row.Claims + 1, (double)wall);
            }
            return (ClaimedQuote?)null;
        }, CancellationToken.None);
        return claimed.IsOk ? claimed.Value : null;
    }

    /// <summary>Keeps the lease and tells how far it is. False: it was cancelled, or another process has it.</summary>
    public async Task<bool> RenewAsync(ClaimedQuote claimed, int percent)
    {
        try
        {
            var renewed = await WriteAsync(claimed, async (tx, row) =>
            {
                await tx.WriteAsync("UPDATE quotes SET lease_until = @until, progress = @percent WHERE id = @id", new { until = tx.Now + Lease, percent, id = row.Id });
                return true;
            });
            return !renewed.IsOk || renewed.Value; // a full queue says nothing about the lease
        }
        catch (Exception e) when (node.Database.IsInfrastructure(e))
        {
            return true; // the end of the work will find out whether it still counts
        }
    }

    /// <summary>Ends the quote with a price or a reason. The price model is the one of this moment.</summary>
    public Task FinishAsync(ClaimedQuote claimed, MeasuredModel measured) => WriteAsync(claimed, async (tx, row) =>
    {
        if (measured.Measures is not { } measures) await FailAsync(tx, row, "invalid_model", measured.Reason, measured.Detail ?? "");
        else if (await PriceModels.CurrentAsync(tx) is { } prices) await PriceAsync(tx, row, measures, prices);
        else await FailAsync(tx, row, "no_price_model", null, "there is no price model", measures);
        return true;
    });

    public Task FailAsync(ClaimedQuote claimed, string code, string detail) => WriteAsync(claimed, async (tx, row) =>
    {
        await FailAsync(tx, row, code, null, detail);
        return true;
    });

    /// <summary>The process stops: another one may have it at once, and the try does not count.</summary>
    public Task GiveBackAsync(ClaimedQuote claimed) => WriteAsync(claimed, async (tx, row) =>
    {
        await tx.WriteAsync("UPDATE quotes SET lease_until = NULL, leased_by = NULL, progress = 0, tries = tries - 1 WHERE id = @id", new { id = row.Id });
        return true;
    });

    /// <summary>Something went wrong that has nothing to do with the quote: again in 5 s, 10 s, 20 s …, with jitter so that many do not return together.</summary>
    public Task RetryLaterAsync(ClaimedQuote claimed) => WriteAsync(claimed, async (tx, row) =>
    {
        var after = TimeSpan.FromSeconds(5 * Math.Pow(2, row.Tries - 1) * (0.75 + node.Ids.NextDouble() / 2));
        await tx.WriteAsync("UPDATE quotes SET lease_until = NULL, leased_by = NULL, progress = 0, not_before = @at WHERE id = @id", new { at = tx.Now + after, id = row.Id });
        return true;
    });

    /// <summary>Writes only while the lease is ours: not after a cancellation, and not after another process took over.</summary>
    private Task<Outcome<bool>> WriteAsync(ClaimedQuote claimed, Func<LaneTransaction, QuoteRow, ValueTask<bool>> write) =>
        node.Lanes.ExecuteAsync<bool>(Lane.Hub, Caller.System with { Trace = claimed.Quote.Trace }, async tx =>
            await QuoteRow.FindAsync(tx, claimed.Quote.Id) is { Status: QuoteStatus.Calculating } row && row.Claims == claimed.Claim && await write(tx, row));

    private static async ValueTask PriceAsync(LaneTransaction tx, QuoteRow row, ModelMeasures measures, PriceModelView prices)
    {
        var (price, code, why) = PriceCalculator.Run(new PricedWork(row.Material, row.ClientClass, row.Quantity, measures), prices);
        if (price is null)
        {
            await FailAsync(tx, row, code!, null, why!, measures);
            return;
        }
        var until = tx.Now.AddDays(prices.Model.ValidDays!.Value);
        await tx.WriteAsync("""
            UPDATE quotes SET status = @status, measures = @measures, price = @price, valid_until = @until, progress = 100, lease_until = NULL, leased_by = NULL,
                finished_at = @now WHERE id = @id
            """, new
        {
            status = QuoteStatus.Calculated, measures = row.ModelFormat is null ? null : JsonSerializer.Serialize(measures, QuotesJson.Default.ModelMeasures),
            price = JsonSerializer.Serialize(price, QuotesJson.Default.QuotePrice), until, now = tx.Now, id = row.Id,
        });
        tx.Append(Lane.Hub, new QuoteCalculated(row.Id, row.Number, row.Client, row.Quantity, price.Total.Currency, price.UnitPrice.ToE4(), price.Total.ToE4(), price.PriceModel, until), row.Subject);
        tx.Measure<QuoteMetrics>(m => m.Finished("calculated", tx.Now - row.RequestedAt));
    }

    private static async ValueTask FailAsync(LaneTransaction tx, QuoteRow row, string code, string? reason, string detail, ModelMeasures? measures = null)
    {
        await tx.WriteAsync("""
            UPDATE quotes SET status = @status, error_code = @code, error_reason = @reason, error_detail = @detail, measures = @measures, lease_until = NULL, leased_by = NULL,
                finished_at = @now WHERE id = @id
            """, new
        {
            status = QuoteStatus.Failed, code, reason, detail, measures = measures is null || row.ModelFormat is null ? null : JsonSerializer.Serialize(measures, QuotesJson.Default.ModelMeasures),
            now = tx.Now, id = row.Id,
        });
        tx.Append(Lane.Hub, new QuoteFailed(row.Id, row.Number, row.Client, code, reason, detail), row.Subject);
        tx.Measure<QuoteMetrics>(m => m.Finished("failed", tx.Now - row.RequestedAt));
    }
}
