using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Channels;

/// <summary>Which offer there is which product here.</summary>
public sealed record OffersBody(IReadOnlyList<OfferEntry?>? Items);

/// <param name="Offer">The id there: of an offer, a variant or an inventory item.</param>
/// <param name="Sku">Null takes the offer away: it is then left alone.</param>
public sealed record OfferEntry(string? Offer, string? Sku);

public sealed record OffersSaved(int Saved, int Removed);

/// <summary>An offer's quantities. Where <see cref="Acknowledged"/> is not <see cref="Wanted"/>, an operation is under way or has failed.</summary>
/// <param name="Wanted">What the marketplace should show: the channel's share of what may be promised.</param>
/// <param name="Acknowledged">What the marketplace last confirmed.</param>
/// <param name="Seen">What it showed when it was last asked.</param>
/// <param name="DiffersSince">Since when what it shows is not what it confirmed.</param>
public sealed record OfferView(
    string Offer, string Sku, long? Wanted, DateTimeOffset? WantedAt, long? Acknowledged, DateTimeOffset? AcknowledgedAt, long? Seen, DateTimeOffset? SeenAt, DateTimeOffset? DiffersSince);

/// <summary>An order there that could not be taken yet.</summary>
public sealed record WaitingOrder(string ExternalId, string Reason, int Looks, DateTimeOffset FirstSeenAt, DateTimeOffset NextAt);

/// <summary>
/// <c>/channels/{account}/offers</c>: what is offered there, by its id there and our SKU, and what the marketplace last acknowledged. Allegro's offers are found by themselves
/// where their external id is a SKU. Refusals: <c>channel_not_found</c>, <c>unknown_sku</c>.
/// </summary>
public static class ChannelOffers
{
    private const int MostItems = 10_000;

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapPut("/channels/{account}/offers", (HttpContext http, string account) => Commands.RunAsync<OffersBody, OffersSaved>(http, node.Lanes, Lane.Hub, (body, tx) => DecideAsync(account, body, tx)))
            .WithTags("Channels").WithSummary("Say which offer there is which product here").Takes<OffersBody>().Produces<OffersSaved>();
        api.MapGet("/channels/{account}/offers", (HttpContext http, string account) => ListAsync(http, node, account)).WithTags("Channels")
            .WithSummary("What is offered there, and what the marketplace last acknowledged").Pages<OfferView>()
            .Reads("sku", "Only offers of this product.").Reads("differs", "true: only those where the marketplace has not acknowledged what it should show.");
        api.MapGet("/channels/{account}/waiting-orders", (HttpContext http, string account) => WaitingAsync(http, node, account)).WithTags("Channels")
            .WithSummary("Orders there that could not be taken yet, with the reason").Pages<WaitingOrder>();
        api.MapGet("/channels/{account}/discrepancies", (HttpContext http, string account) => DiscrepanciesAsync(http, node, account)).WithTags("Channels")
            .WithSummary("Offers where the marketplace does not show what it confirmed").Pages<OfferView>();
    }

    public static async ValueTask<Outcome<OffersSaved>> DecideAsync(string account, OffersBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var items = body.Items ?? [];
        problems.Check(items.Count is > 0 and <= MostItems, "items", $"must be 1–{MostItems}");
        var good = new List<(string Offer, string? Sku)>(items.Count);
        for (var i = 0; i < items.Count && i < MostItems; i++)
        {
            var offer = items[i]?.Offer?.Trim();
            problems.Check(IsOffer(offer), $"items[{i}].offer", "must be 1–128 printable ASCII characters");
            good.Add((offer ?? "", items[i]?.Sku is { } sku ? problems.Code(sku, $"items[{i}].sku") : null));
        }
        if (problems.Any) return problems.ToRefusal();
        if (await AccountRow.FindAsync(tx.Group.Session, account) is null) return SaveChannel.NotFound(account);
        var known = (await new Catalog.PriceBook().PricesAsync(tx, good.Where(g => g.Sku is not null).Select(g => g.Sku!).ToHashSet(StringComparer.Ordinal))).Keys.ToHashSet(StringComparer.Ordinal);
        for (var i = 0; i < good.Count; i++)
            if (good[i].Sku is { } sku && !known.Contains(sku)) problems.Add($"items[{i}].sku", $"there is no product {sku}");
        if (problems.Any) return problems.ToRefusal() with { Code = "unknown_sku" };
        foreach (var (offer, sku) in good) await SaveAsync(tx, account, offer, sku);
        return new OffersSaved(good.Count(g => g.Sku is not null), good.Count(g => g.Sku is null));
    }

    private static bool IsOffer(string? text) => text is { Length: > 0 and <= 128 } && text.All(c => c is > ' ' and <= '~');

    private static async ValueTask SaveAsync(LaneTransaction tx, string account, string offer, string? sku)
    {
        if (sku is null)
        {
            await tx.WriteAsync("DELETE FROM channel_offers WHERE account = @account AND offer = @offer", new { account, offer });
            await tx.WriteAsync("UPDATE stock_operations SET status = 5, revive_at = NULL, updated_at = @now, error_message = @why WHERE account = @account AND offer = @offer AND status IN (1, 4) AND command_id IS NULL",
                new { account, offer, now = tx.Now, why = "the offer was taken away" });
        }
        // Another product's quantity is wanted there from now on: the next look decides which.
        else await tx.WriteAsync("""
            INSERT INTO channel_offers (account, offer, sku) VALUES (@account, @offer, @sku)
            ON CONFLICT (account, offer) DO UPDATE SET sku = excluded.sku, wanted = CASE WHEN channel_offers.sku = excluded.sku THEN channel_offers.wanted ELSE NULL END
            """, new { account, offer, sku });
    }

    /// <summary>Offers that a marketplace told of: taken where their SKU is one of ours and the offer is not known yet.</summary>
    internal static async ValueTask LearnAsync(LaneTransaction tx, string account, IReadOnlyList<(string Offer, string? Sku)> seen)
    {
        var candidates = seen.Where(s => s.Sku is not null && IsOffer(s.Offer) && CodeRule.TryNormalize(s.Sku, out _)).Select(s => (s.Offer, Sku: s.Sku!.Trim())).ToList();
        if (candidates.Count == 0) return;
        var known = await new Catalog.PriceBook().PricesAsync(tx, candidates.Select(c => c.Sku).ToHashSet(StringComparer.Ordinal));
        foreach (var (offer, sku) in candidates.Where(c => known.ContainsKey(c.Sku)))
            await tx.WriteAsync("INSERT INTO channel_offers (account, offer, sku) VALUES (@account, @offer, @sku) ON CONFLICT (account, offer) DO NOTHING", new { account, offer, sku });
    }

    /// <summary>The SKUs of these offers, where they are known.</summary>
    internal static async Task<IReadOnlyDictionary<string, string>> SkusAsync(SqlSession session, string account, IReadOnlyCollection<string> offers)
    {
        string[] wanted = [.. offers.Distinct(StringComparer.Ordinal)];
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        await session.SelectAsync("SELECT offer, sku FROM channel_offers WHERE account = k.account AND offer = k.offer", wanted.Length,
            [Column.Same("account", wanted.Length, account), Column.Of("offer", wanted)], row => found[row.GetString(0)] = row.GetString(1));
        return found;
    }

    private const string Columns = "offer, sku, wanted, wanted_at, acknowledged, acknowledged_at, seen, seen_at, differs_since";

    private static Task ListAsync(HttpContext http, Node node, string account)
    {
        var differs = Requests.Query(http, "differs");
        if (differs is not (null or "true" or "false")) return Answers.WriteAsync(http, Refusal.Invalid("differs", "must be true or false"));
        var which = differs == "true" ? "AND wanted IS NOT NULL AND (acknowledged IS NULL OR acknowledged <> wanted)" : "";
        var sku = Requests.Query(http, "sku");
        return PageAsync(http, node, account, (s, after, most) => sku is null
            ? s.QueryAsync<OfferRow>($"SELECT {Columns} FROM channel_offers WHERE account = @account AND offer > @after {which} ORDER BY offer LIMIT @most", new { account, after, most })
            : s.QueryAsync<OfferRow>($"SELECT {Columns} FROM channel_offers WHERE account = @account AND offer > @after AND sku = @sku {which} ORDER BY offer LIMIT @most",
                new { account, after, most, sku }), r => r.View, v => v.Offer);
    }

    private static Task DiscrepanciesAsync(HttpContext http, Node node, string account) => PageAsync(http, node, account, (s, after, most) => s.QueryAsync<OfferRow>(
        $"SELECT {Columns} FROM channel_offers WHERE account = @account AND offer > @after AND differs_since IS NOT NULL ORDER BY offer LIMIT @most", new { account, after, most }), r => r.View, v => v.Offer);

    private static Task WaitingAsync(HttpContext http, Node node, string account) => PageAsync(http, node, account, (s, after, most) => s.QueryAsync<WaitingRow>("""
        SELECT external_id, reason, looks, first_seen_at, next_at FROM channel_waiting_orders WHERE account = @account AND external_id > @after ORDER BY external_id LIMIT @most
        """, new { account, after, most }), r => new WaitingOrder(r.ExternalId, r.Reason, r.Looks, r.FirstSeenAt, r.NextAt), v => v.ExternalId);

    private static async Task PageAsync<TRow, T>(HttpContext http, Node node, string account, Func<SqlSession, string, int, ValueTask<IReadOnlyList<TRow>>> read, Func<TRow, T> view, Func<T, string> key)
    {
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var (limit, cursor) = paging.Value;
        var rows = await node.Database.ReadAsync(async s => await AccountRow.FindAsync(s, account) is null ? null : await read(s, cursor ?? "", limit + 1), http.RequestAborted);
        if (rows is null) { await Answers.WriteAsync(http, SaveChannel.NotFound(account)); return; }
        T[] items = [.. rows.Take(limit).Select(view)];
        await Answers.WriteAsync<Page<T>>(http, new Page<T>(items, rows.Count > limit ? key(items[^1]) : null));
    }

    private sealed record OfferRow
    {
        public string Offer { get; init; } = "";
        public string Sku { get; init; } = "";
        public long? Wanted { get; init; }
        public DateTimeOffset? WantedAt { get; init; }
        public long? Acknowledged { get; init; }
        public DateTimeOffset? AcknowledgedAt { get; init; }
        public long? Seen { get; init; }
        public DateTimeOffset? SeenAt { get; init; }
        public DateTimeOffset? DiffersSince { get; init; }

        public OfferView View => new(Offer, Sku, Wanted, WantedAt, Acknowledged, AcknowledgedAt, Seen, SeenAt, DiffersSince);
    }

    private sealed record WaitingRow
    {
        public string ExternalId { get; init; } = "";
        public string Reason { get; init; } = "";
        public int Looks { get; init; }
        public DateTimeOffset FirstSeenAt { get; init; }
        public DateTimeOffset NextAt { get; init; }
    }
}
