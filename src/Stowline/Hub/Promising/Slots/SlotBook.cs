using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Promising;

/// <summary>The slot of an order as it is answered (K2). <see cref="Id"/> as in source 4: <c>slot:</c> and the start in Unix seconds.</summary>
/// <param name="End">Of the last slot, where the order takes several.</param>
/// <param name="VisibleAt">When it appears on the kitchen's screen.</param>
public sealed record SlotView(string Id, string Site, DateTimeOffset Start, DateTimeOffset End, DateTimeOffset VisibleAt, int Slots);

/// <summary>
/// Capacity promised like stock: a group loads what has changed since it last looked, decides in memory in order of arrival, and writes the sums once. The hub's scope is
/// locked from the first statement to the commit, so no other process decides on the same slots meanwhile.
/// </summary>
public sealed class SlotBook
{
    private readonly Dictionary<string, SlotCalendar?> _calendars = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _seen = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Site, long Start), long> _taken = [];
    private readonly List<(Guid Order, int Part, string Site, SlotShare Share)> _holds = [];
    private long _planned = -1;
    private object? _unsure;

    /// <summary>Brings the calendars of these sites up to date. What a group that was rolled back has left in memory is forgotten.</summary>
    public async ValueTask LoadAsync(LaneTransaction tx, IEnumerable<SiteFacts> sites)
    {
        var plans = await tx.SettledHeadAsync(Lane.HubAll);
        if (_unsure is not null && _unsure != tx.Group || plans < 0 || plans != _planned) Forget();
        var group = _unsure = tx.Group;
        _planned = plans;
        tx.OnCommitted(() =>
        {
            if (_unsure == group) _unsure = null; // the next group may have begun before this one's commit was known
        });
        _taken.Clear();
        _holds.Clear();
        var all = sites.ToList();
        string[] unknown = [.. all.Select(s => s.Code).Where(s => !_calendars.ContainsKey(s))];
        if (unknown.Length > 0)
        {
            foreach (var site in unknown) _calendars[site] = null;
            await tx.SelectAsync($"SELECT {SlotPlans.Columns} FROM slot_plans WHERE site = k.site", unknown.Length, [Column.Of("site", unknown)], row =>
            {
                var site = all.Find(s => s.Code == row.GetString(0))!;
                _calendars[site.Code] = new SlotCalendar(SlotPlans.Read(row, site.Hours), SlotPlans.ZoneOf(site.TimeZone));
            });
        }
        string[] planned = [.. all.Select(s => s.Code).Where(s => _calendars[s] is not null)];
        var past = tx.Now.AddDays(-2).ToUnixTimeSeconds();
        await tx.SelectAsync("SELECT site, starts_at, used, changed FROM slots WHERE site = k.site AND changed > k.seen AND starts_at >= k.past", planned.Length,
            [Column.Of("site", planned), Column.From("seen", planned, s => _seen.GetValueOrDefault(s)), Column.Same("past", planned.Length, past)], row =>
            {
                _calendars[row.GetString(0)]!.Set(row.GetInt64(1), row.GetInt64(2));
                _seen[row.GetString(0)] = Math.Max(_seen.GetValueOrDefault(row.GetString(0)), row.GetInt64(3));
            });
    }

    private void Forget()
    {
        _calendars.Clear();
        _seen.Clear();
    }

    /// <summary>How the site promises, or null where it promises without slots.</summary>
    public SlotPlan? PlanOf(string site) => _calendars.GetValueOrDefault(site)?.Plan;

    public SlotShare[]? Find(string site, DateTimeOffset now, long amount) => _calendars[site]!.Find(now, amount);
    public SlotShare[]? At(string site, DateTimeOffset now, DateTimeOffset wished, long amount) => _calendars[site]!.At(now, wished, amount);

    /// <summary>Takes capacity in memory. The rule that no slot is over its capacity stands here.</summary>
    public SlotView Hold(Guid order, int part, string site, IReadOnlyList<SlotShare> shares)
    {
        var calendar = _calendars[site]!;
        foreach (var share in shares)
        {
            if (calendar.UsedIn(share.Start) + share.Amount > calendar.Plan.Capacity) throw new InvalidOperationException($"slot {share.Start} of {site} would be over its capacity");
            calendar.Take(share);
            _taken[(site, share.Start)] = _taken.GetValueOrDefault((site, share.Start)) + share.Amount;
            _holds.Add((order, part, site, share));
        }
        return View(calendar.Plan, shares);
    }

    public static SlotView View(SlotPlan plan, IReadOnlyList<SlotShare> shares)
    {
        var start = DateTimeOffset.FromUnixTimeSeconds(shares[0].Start);
        return new SlotView($"slot:{shares[0].Start}", plan.Site, start, DateTimeOffset.FromUnixTimeSeconds(shares[^1].Start + plan.LengthSeconds),
            start.AddMinutes(-plan.VisibleMinutes), shares.Count);
    }

    public async ValueTask WriteAsync(LaneTransaction tx)
    {
        if (_holds.Count == 0) return;
        var taken = _taken.ToList();
        var change = await tx.NextNumberAsync("slot_change", Lane.Hub);
        await tx.UpsertAsync("slots", "site, starts_at", "used = slots.used + excluded.used, capacity = excluded.capacity, changed = excluded.changed", taken.Count,
            Column.From("site", taken, t => t.Key.Site), Column.From("starts_at", taken, t => t.Key.Start), Column.From("used", taken, t => t.Value),
            Column.From("capacity", taken, t => _calendars[t.Key.Site]!.Plan.Capacity), Column.Same("changed", taken.Count, change));
        await tx.InsertAsync("slot_holds", _holds.Count, Column.From("order_id", _holds, h => h.Order), Column.From("part", _holds, h => h.Part),
            Column.From("starts_at", _holds, h => h.Share.Start), Column.From("site", _holds, h => h.Site), Column.From("amount", _holds, h => h.Share.Amount));
        foreach (var site in taken.Select(t => t.Key.Site).Distinct(StringComparer.Ordinal)) _seen[site] = change;
        _taken.Clear();
        _holds.Clear();
    }

    private sealed record HoldRow { public string Site { get; init; } = ""; public long StartsAt { get; init; } public long Amount { get; init; } }

    /// <summary>Gives back what a part holds, exactly. Twice does nothing.</summary>
    public static async ValueTask ReleaseAsync(LaneTransaction tx, Guid order, int part)
    {
        var holds = await tx.QueryAsync<HoldRow>("SELECT site, starts_at, amount FROM slot_holds WHERE order_id = @order AND part = @part", new { order, part });
        if (holds.Count == 0) return;
        var change = await tx.NextNumberAsync("slot_change", Lane.Hub);
        await tx.UpdateAsync("slots", "used = slots.used - k.amount, changed = k.change", holds.Count,
            [Column.From("site", holds, h => h.Site), Column.From("starts_at", holds, h => h.StartsAt)],
            Column.From("amount", holds, h => h.Amount), Column.Same("change", holds.Count, change));
        await tx.WriteAsync("DELETE FROM slot_holds WHERE order_id = @order AND part = @part", new { order, part });
    }
}
