using System.Globalization;
using System.Text.Json.Nodes;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Channels;

/// <summary>
/// Allegro's orders. Events only say where to look: they come twice, out of order, at the same instant, or not at all, and a form may not be there yet, or be shown as it was before.
/// So what counts is the form as it is read, a form that is not as its event says is looked at again, and every few minutes all forms that changed are looked at without any event.
/// </summary>
internal sealed class AllegroOrders(Node node, AllegroApi api, ChannelOrders orders, StockBooks books)
{
    private const int EventsAtOnce = 1_000;
    private const int FormsAtOnce = 100;
    private const int WaitingAtOnce = 50;
    private static readonly TimeSpan BetweenPolls = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BetweenSweeps = TimeSpan.FromMinutes(5);

    /// <summary>A form may be shown in the list a while after it changed.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan NotThereFor = WaitingOrders.Believed;
    private static readonly TimeSpan RefusedFor = TimeSpan.FromDays(30);

    private readonly Rest _polls = new(node.Time);
    private readonly Rest _sweeps = new(node.Time);

    private string Account => api.Account;

    /// <param name="Waits">Why it could not be taken now; null when it is dealt with.</param>
    /// <param name="ForGood">Waiting would help only if somebody does something here.</param>
    private readonly record struct Look(string? Waits, bool ForGood = false);

    /// <summary>What an event or an earlier look says of a form: one that does not show it yet is looked at again.</summary>
    private enum Said { Nothing, Ready, Cancelled }

    private sealed record Kept(string Form, string Reason, bool Cancelled);

    /// <summary>The marketplace does not answer: everything stays as it is and is done again.</summary>
    private sealed class AwayException(CallAnswer answer) : Exception(answer.Error) { public CallAnswer Answer => answer; }

    public async Task<bool> RunAsync(AccountRow row, CancellationToken ct)
    {
        var now = node.Time.GetUtcNow();
        if (row.FailingSince is not null && row.ProbeAt > now) return false;
        try
        {
            var worked = false;
            if (_polls.IsOver)
            {
                worked = await EventsAsync(row, ct);
                if (!worked) _polls.For(BetweenPolls);
            }
            worked |= await WaitingAsync(now, ct);
            if (_sweeps.IsOver)
            {
                await SweepAsync(row, now, ct);
                _sweeps.For(BetweenSweeps);
            }
            return worked;
        }
        catch (AwayException e)
        {
            await books.AnsweredAsync(row, [e.Answer]);
            return false;
        }
    }

    private async Task<JsonNode?> GetAsync(string path, CancellationToken ct)
    {
        var answer = await api.GetAsync(path, forStock: false, ct);
        if (answer.Result == CallResult.Missing) return null;
        return answer.Ok && answer.Body is { } body ? body : throw new AwayException(answer);
    }

    private async Task<bool> EventsAsync(AccountRow row, CancellationToken ct)
    {
        if (row.EventCursor is null)
        {
            // Orders that are older than the account are somebody else's to handle; those that changed since are found by the sweep.
            var stats = await GetAsync("/order/event-stats", ct);
            await MoveAsync(null, stats?["latestEvent"]?["id"]?.ToString() ?? "0", []);
            return true;
        }
        var from = row.EventCursor == "0" ? "" : "&from=" + Uri.EscapeDataString(row.EventCursor);
        var body = await GetAsync(string.Create(CultureInfo.InvariantCulture, $"/order/events?limit={EventsAtOnce}{from}"), ct);
        await books.AnsweredAsync(row, [new CallAnswer(CallResult.Done, 200, null, null, null, default)]);
        List<JsonNode> events = [.. (body?["events"] as JsonArray ?? []).OfType<JsonNode>()];
        if (events.Count == 0 || events[^1]["id"]?.ToString() is not { } last || last == row.EventCursor) return false;
        var waiting = new List<Kept>();
        foreach (var form in events.GroupBy(e => e["order"]?["checkoutForm"]?["id"]?.ToString()).Where(g => !string.IsNullOrEmpty(g.Key)))
        {
            // Of all that events say of a form the worst counts: they come in any order.
            var said = form.Max(SaidBy);
            if (await LookAsync(form.Key!, said, ct) is { Waits: { } reason }) waiting.Add(new Kept(form.Key!, reason, said == Said.Cancelled));
        }
        await MoveAsync(row.EventCursor, last, waiting);
        return true;
    }

    private static Said SaidBy(JsonNode e) => e["type"]?.ToString() switch { "READY_FOR_PROCESSING" => Said.Ready, "BUYER_CANCELLED" or "AUTO_CANCELLED" => Said.Cancelled, _ => Said.Nothing };

    /// <summary>The cursor moves together with what is still to be done for the events behind it.</summary>
    private Task MoveAsync(string? from, string to, IReadOnlyList<Kept> waiting) => node.Lanes.ExecuteAsConsumerAsync<Done>(Lane.Hub, Caller.System, async tx =>
    {
        var moved = from is null
            ? await tx.ExecuteAsync("UPDATE channel_accounts SET event_cursor = @to WHERE code = @code AND event_cursor IS NULL", new { code = Account, to })
            : await tx.ExecuteAsync("UPDATE channel_accounts SET event_cursor = @to, event_read_at = @now WHERE code = @code AND event_cursor = @from", new { code = Account, from, to, now = tx.Now });
        if (moved == 0) return new Done(); // another process was here
        foreach (var (form, reason, cancelled) in waiting) await WaitingOrders.KeepAsync(tx, Account, form, reason, 0, cancelled);
        return new Done();
    });

    private async Task<bool> WaitingAsync(DateTimeOffset now, CancellationToken ct)
    {
        var due = await node.Database.ReadAsync(async s => await WaitingOrders.DueAsync(s, Account, now, WaitingAtOnce), ct);
        foreach (var row in due)
        {
            var look = await LookAsync(row.ExternalId, Said.Ready, ct);
            var over = look.Waits is null || now - row.Since > (look.ForGood ? RefusedFor : NotThereFor);
            await node.Lanes.ExecuteAsConsumerAsync<Done>(Lane.Hub, Caller.System, async tx =>
            {
                if (over) await WaitingOrders.ForgetAsync(tx, Account, row);
                else await WaitingOrders.KeepAsync(tx, Account, row.ExternalId, look.Waits!, row.Looks);
                return new Done();
            });
        }
        return due.Count > 0;
    }

    /// <summary>Forms whose event never came: the list is not in order of change, so all that changed is read. What is cancelled is read last: it counts over what was shown as ready.</summary>
    private async Task SweepAsync(AccountRow row, DateTimeOffset started, CancellationToken ct)
    {
        var since = (row.FormsUntil - Overlap ?? row.OrdersSince).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        foreach (var status in new[] { "READY_FOR_PROCESSING", "CANCELLED" }) await SweepAsync(status, since, ct);
        await node.Lanes.ExecuteAsConsumerAsync<Done>(Lane.Hub, Caller.System, async tx =>
        {
            await tx.WriteAsync("UPDATE channel_accounts SET forms_until = @started WHERE code = @code", new { code = Account, started });
            return new Done();
        });
    }

    /// <summary>Page by page.</summary>
    private async Task SweepAsync(string status, string since, CancellationToken ct)
    {
        for (var offset = 0; ; offset += FormsAtOnce)
        {
            var body = await GetAsync(string.Create(CultureInfo.InvariantCulture, $"/order/checkout-forms?status={status}&updatedAt.gte={since}&limit={FormsAtOnce}&offset={offset}"), ct);
            List<JsonNode> forms = [.. (body?["checkoutForms"] as JsonArray ?? []).OfType<JsonNode>()];
            foreach (var form in forms)
                if (form["id"]?.ToString() is { } id && await TakeAsync(id, form, Said.Nothing, ct) is { Waits: { } reason }) await KeepAsync(id, reason);
            if (forms.Count < FormsAtOnce) break;
        }
    }

    private Task KeepAsync(string id, string reason) => node.Lanes.ExecuteAsConsumerAsync<Done>(Lane.Hub, Caller.System, async tx =>
    {
        if (await tx.FindAsync<int?>("SELECT looks FROM channel_waiting_orders WHERE account = @code AND external_id = @id", new { code = Account, id }) is null)
            await WaitingOrders.KeepAsync(tx, Account, id, reason, 0);
        return new Done();
    });

    private async Task<Look> LookAsync(string id, Said said, CancellationToken ct) => await GetAsync("/order/checkout-forms/" + Uri.EscapeDataString(id), ct) is { } form
        ? await TakeAsync(id, form, said, ct) : new Look("Allegro does not show this order yet");

    private async Task<Look> TakeAsync(string id, JsonNode form, Said said, CancellationToken ct)
    {
        var caller = ChannelOrders.CallerOf(Account);
        switch (AllegroForms.StatusOf(form))
        {
            case "CANCELLED":
                // What has been shipped cannot be cancelled; it comes back as a return.
                if (await orders.CancelAsync(Account, id, "cancelled at Allegro", caller, hops: 0, ct) is { } outcome) Stall(outcome.Refusal);
                return new Look(null);
            case "READY_FOR_PROCESSING":
                // Nobody pays what is cancelled: the form is shown as it was before, and neither makes an order nor lets the cancellation be forgotten.
                if (said == Said.Cancelled || await node.Database.ReadAsync(s => WaitingOrders.IsCancelledAsync(s, Account, id, node.Time.GetUtcNow()), ct))
                    return new Look("Allegro shows it as ready though an event says that it is cancelled");
                if (await orders.FindAsync(Account, id, ct) is not null) return new Look(null);
                var skus = await node.Database.ReadAsync(s => ChannelOffers.SkusAsync(s, Account, [.. AllegroForms.OffersOf(form)]), ct);
                var body = AllegroForms.Read(Account, form, skus);
                if (body.Refusal is { } unread) return new Look(unread.Detail, ForGood: true);
                var placed = await orders.PlaceAsync(Account, body.Value, caller, hops: 0, ct);
                Stall(placed.Refusal);
                return placed.Refusal is { Code: not "external_id_taken" } no ? new Look($"{no.Code}: {no.Detail}", ForGood: true) : new Look(null);
            case var other:
                return said != Said.Nothing ? new Look($"Allegro shows it as {other} though an event says more") : new Look(null);
        }
    }

    /// <summary>This node is too busy now: everything stays as it is and is done again.</summary>
    private static void Stall(Refusal? refusal)
    {
        if (refusal is { Kind: RefusalKind.Unavailable or RefusalKind.TooMany }) throw new ConsumerStalledException(refusal.Detail);
    }
}
