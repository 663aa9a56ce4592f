using System.Text.Json.Nodes;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>
/// Does what bookings are due for: buys, looks up, fetches labels, cancels, asks where parcels are (F5). Each carrier of a site is served by a round of its own that nobody waits for, so one that does
/// not answer delays no other, and no call is made inside a lane: a claim writes down what is about to be asked, the call follows, a second command writes down the answer.
/// </summary>
internal sealed class CarrierPump : Pump, IAsyncDisposable
{
    private const int MostRounds = 32;
    private const int MostFallBacks = 50;
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(20);

    private enum Step { Address = 1, Buy = 2, Find = 3, Label = 4, Track = 5, Cancel = 6 }

    /// <param name="Account">Whom to call: the carrier, or the one that tells addresses.</param>
    /// <param name="Again">It was asked before, and the answer was lost.</param>
    private sealed record Work(BookingRow Booking, Step Step, CarrierAccount Account, JsonObject Values, bool Again);

    private sealed record Due { public string Site { get; init; } = ""; public string Carrier { get; init; } = ""; }
    private sealed record Stand { public string Site { get; init; } = ""; public string Carrier { get; init; } = ""; public int Failures { get; init; } }
    private sealed record Waiting { public Guid Id { get; init; } public string Site { get; init; } = ""; }

    private readonly Node _node;
    private readonly CarrierClient _client;
    private readonly Guid _me;
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<(string, string), Task> _rounds = [];
    private readonly Lock _gate = new();

    public CarrierPump(Node node, CarrierClient client)
    {
        (_node, _client, _me) = (node, client, node.Ids.Next());
        node.Lanes.Committed += OnCommitted;
    }

    public override string Name => "carriers";

    private void OnCommitted(Lane lane, IReadOnlyList<EventRecord> events)
    {
        foreach (var e in events)
            if (e.Type.StartsWith("booking.", StringComparison.Ordinal) || e.Type == CarrierChanged.Type) Wake.Set();
    }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var now = _node.Time.GetUtcNow();
        var carriers = await _node.Database.ReadAsync(async s => await s.QueryAsync<Stand>($"SELECT site, carrier, failures FROM carriers WHERE enabled = @yes{_node.AndOwn("site")}", new { yes = true }), ct);
        _node.Lanes.Meter.Get<CarrierMetrics>().Stand(carriers.Select(c => (c.Site, c.Carrier, c.Failures >= CarrierRetry.OpenAfter)));
        if (carriers.Count == 0) return false;
        var worked = await FallBackAsync(ct);
        var due = await _node.Database.ReadAsync(async s => await s.QueryAsync<Due>($"""
            SELECT DISTINCT b.site, b.carrier FROM carrier_bookings b JOIN carriers c ON c.site = b.site AND c.carrier = b.carrier
            WHERE b.todo > 0 AND b.next_at <= @now AND (b.owner IS NULL OR b.lease_until < @now) AND c.enabled = @yes AND (c.open_until IS NULL OR c.open_until <= @now){_node.AndOwn("b.site")}
            """, new { now, yes = true }), ct);
        lock (_gate)
        {
            foreach (var ended in _rounds.Where(r => r.Value.IsCompleted).Select(r => r.Key).ToList()) _rounds.Remove(ended);
            foreach (var at in due)
            {
                if (_rounds.Count >= MostRounds || _stop.IsCancellationRequested || _rounds.ContainsKey((at.Site, at.Carrier))) continue;
                _rounds[(at.Site, at.Carrier)] = Task.Run(() => RoundAsync(at.Site, at.Carrier), CancellationToken.None);
                worked = true;
            }
        }
        return worked;
    }

    /// <summary>Completes when no round runs: for tests.</summary>
    internal Task WhenIdleAsync()
    {
        lock (_gate) return Task.WhenAll(_rounds.Values);
    }

    /// <summary>Parcels that nobody has been asked for go on to the next carrier when theirs is away.</summary>
    private async Task<bool> FallBackAsync(CancellationToken ct)
    {
        var waiting = await _node.Database.ReadAsync(async s => await s.QueryAsync<Waiting>($"""
            SELECT b.id, b.site FROM carrier_bookings b LEFT JOIN carriers c ON c.site = b.site AND c.carrier = b.carrier
            WHERE b.todo = @buy AND b.status = @pending AND b.others > 0 AND (c.carrier IS NULL OR c.enabled = @no OR c.failures >= @many OR b.attempts >= @tries){_node.AndOwn("b.site")} LIMIT @most
            """, new { buy = BookingTodo.Buy, pending = BookingStatus.Pending, no = false, many = CarrierRetry.OpenAfter, tries = CarrierRetry.FallBackAfter, most = MostFallBacks }), ct);
        var moved = false;
        foreach (var one in waiting)
        {
            if (!await _node.Database.ReadAsync(s => AnyOtherAsync(s, one), ct)) continue; // the writer is not asked for nothing
            var outcome = await _node.Lanes.ExecuteAsConsumerAsync<bool>(Lane.Site(one.Site), Caller.System, async tx =>
                await Bookings.FindAsync(tx.Group.Session, one.Id) is { Status: BookingStatus.Pending, Todo: BookingTodo.Buy } booking && !booking.IsLeased(tx.Now)
                && await BookingResults.FallBackAsync(tx, booking, "unavailable", booking.Error ?? "not available"));
            moved |= outcome.Outcome is { IsOk: true, Value: true };
        }
        return moved;
    }

    private static async Task<bool> AnyOtherAsync(Store.SqlSession session, Waiting waiting)
    {
        if (await Bookings.FindAsync(session, waiting.Id) is not { } booking) return false;
        foreach (var carrier in booking.CarrierList.Skip(1))
            if (await CarrierRows.FindAsync(session, waiting.Site, carrier) is { Enabled: true, IsOpen: false }) return true;
        return false;
    }

    private async Task RoundAsync(string site, string carrier)
    {
        try
        {
            var until = _node.Time.GetUtcNow() + Round;
            while (!_stop.IsCancellationRequested && _node.Time.GetUtcNow() < until && await ClaimAsync(site, carrier) is { Count: > 0 } work) await Task.WhenAll(work.Select(DoAsync));
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // What was asked and not written down counts as an answer that was lost, and is looked up.
        }
        catch (Exception e)
        {
            (LastError, LastErrorAt) = (e.Message, _node.Time.GetUtcNow());
        }
        finally
        {
            Wake.Set();
        }
    }

    // ---- claiming

    private async Task<IReadOnlyList<Work>> ClaimAsync(string site, string carrier)
    {
        var outcome = await _node.Lanes.ExecuteAsConsumerAsync<IReadOnlyList<Work>>(Lane.Site(site), Caller.System, async tx =>
        {
            var session = tx.Group.Session;
            if (await CarrierRows.FindAsync(session, site, carrier) is not { Enabled: true } row || row.OpenUntil > tx.Now) return Array.Empty<Work>();
            var (account, why) = await CarrierRows.AccountAsync(session, row, _node.Secrets);
            if (account is null)
            {
                // Nothing can be asked of it until somebody has repaired it: as if it did not answer.
                await BookingResults.CountAsync(tx, row with { Failures = Math.Max(row.Failures, CarrierRetry.OpenAfter - 1) }, new CarrierAnswer(CallResult.Away, Error: why), _node.Ids.NextDouble());
                return Array.Empty<Work>();
            }
            var rows = await tx.QueryAsync<BookingRow>($"""
                SELECT {BookingRow.Columns} FROM carrier_bookings WHERE site = @site AND carrier = @carrier AND todo > 0 AND next_at <= @now AND (owner IS NULL OR lease_until < @now) ORDER BY todo, next_at LIMIT @most
                """, new { site, carrier, now = tx.Now, most = row.IsOpen ? 1 : account.Profile.Parallel });
            var work = new List<Work>();
            foreach (var booking in rows)
                if (await ClaimAsync(tx, booking, account) is { } one) work.Add(one);
            return work;
        });
        return outcome.Outcome.IsOk ? outcome.Outcome.Value : [];
    }

    /// <summary>Takes one booking; null where it turned out that nothing is to be asked.</summary>
    private async Task<Work?> ClaimAsync(LaneTransaction tx, BookingRow booking, CarrierAccount account)
    {
        var session = tx.Group.Session;
        if (await ShippedParts.FindAsync(session, booking.Site, booking.PackingTaskId) is not { } parcel || await FulfillmentOrders.FindAsync(session, booking.OrderId, booking.Part) is not { } order)
        {
            await ChangeBooking.EndAsync(tx, booking, "its packing task is gone");
            return null;
        }
        if (booking.Todo == BookingTodo.Buy && booking.Status == BookingStatus.Pending && parcel.Task.Status != PackingStatus.Packed)
        {
            await ChangeBooking.EndAsync(tx, booking, $"the packing task is {SnakeCaseEnum<PackingStatus>.Text(parcel.Task.Status)}");
            return null;
        }
        var settings = await ShippingSettings.ReadAsync(session, booking.Site);
        var recipient = await ParcelValues.RecipientAsync(session, order, booking);
        if (StepOf(booking, account, recipient is null && settings.AddressFrom is not null) is not { } step)
        {
            if (booking.Todo == BookingTodo.Buy) await BookingResults.LostAsync(tx, booking);
            else if (booking.Todo == BookingTodo.Cancel)
                await ChangeBooking.EndAsync(tx, booking, booking.CancelReason ?? "cancelled", $"{account.Carrier} has no call for cancelling: cancel {booking.TrackingNumber} there");
            else await BookingResults.SetAsync(tx, booking, booking.Status, BookingTodo.Nothing, tx.Now, booking.Error);
            return null;
        }
        var callee = account;
        if (step == Step.Address)
        {
            if (await CarrierRows.FindAsync(session, booking.Site, settings.AddressFrom!) is not { } teller || await CarrierRows.AccountAsync(session, teller, _node.Secrets) is not { Account: { Profile.Address: not null } told })
            {
                await BookingResults.AddressedAsync(tx, booking, new CarrierAnswer(CallResult.Away, Error: "is not set up"), null, null, _node.Ids.NextDouble());
                return null;
            }
            callee = told;
        }
        if (step is Step.Buy && booking.NumberList.Count == 0 && account.Profile.Numbers is { } range)
        {
            if (await NumbersAsync(tx, account, range, parcel.Task.Packages.Count) is not { } numbers)
            {
                await BookingResults.BoughtAsync(tx, booking, account, new CarrierAnswer(CallResult.Refused, Error: "its range of numbers is used up: set number_first and number_last to a new one"), 0, again: false);
                return null;
            }
            booking = booking with { Numbers = Bookings.Json(numbers) };
        }
        var lease = TimeSpan.FromSeconds(3 * callee.Profile.TimeoutS + 60);
        var again = booking.Status == BookingStatus.Asking;
        booking = booking with { Status = step == Step.Buy ? BookingStatus.Asking : booking.Status, Attempts = booking.Attempts + 1, Owner = _me };
        await tx.WriteAsync("UPDATE carrier_bookings SET owner = @me, lease_until = @until, attempts = @attempts, status = @status, numbers = @numbers WHERE id = @id",
            new { id = booking.Id, me = _me, until = tx.Now + lease, attempts = booking.Attempts, status = booking.Status, numbers = booking.Numbers });
        var zone = TimeZoneInfo.FindSystemTimeZoneById(account.Profile.TimeZone);
        return new Work(booking, step, callee, ParcelValues.Of(booking, parcel.Task, order, recipient, settings.Sender, tx.Now, zone), again);
    }

    /// <summary>What is to be asked; null where the carrier has no call for it.</summary>
    private static Step? StepOf(BookingRow booking, CarrierAccount account, bool needsAddress) => booking.Todo switch
    {
        BookingTodo.Buy when booking.Status == BookingStatus.Asking => account.Profile.AfterLoss switch { LostAnswer.Find => Step.Find, LostAnswer.Repeat => Step.Buy, LostAnswer.Ask => null },
        BookingTodo.Buy => needsAddress ? Step.Address : Step.Buy,
        BookingTodo.Label => account.Profile.Label is not null || booking.LabelSource is not null ? Step.Label : null,
        BookingTodo.Track => account.Profile.Track is not null ? Step.Track : null,
        BookingTodo.Cancel => account.Profile.Cancel is not null ? Step.Cancel : null,
        BookingTodo.Nothing => null,
    };

    /// <summary>The next numbers of the range that the carrier gave out; null when it is used up. Those of a new range begin at its beginning.</summary>
    private static async Task<string[]?> NumbersAsync(LaneTransaction tx, CarrierAccount account, OwnNumbers range, int count)
    {
        var (prefix, first, last) = (JsonWords.Text(account.Settings["number_prefix"]), long.Parse(JsonWords.Text(account.Settings["number_first"]), System.Globalization.CultureInfo.InvariantCulture),
            long.Parse(JsonWords.Text(account.Settings["number_last"]), System.Globalization.CultureInfo.InvariantCulture));
        // Numbers are ordinal × 10^10 + sequence; the range is the site's alone.
        var begin = first + (await tx.NextNumbersAsync($"carrier/{account.Carrier}/{prefix}{first}", Lane.Site(account.Site), count) - 1) % 10_000_000_000L;
        return begin + count - 1 > last ? null : [.. Enumerable.Range(0, count).Select(i => prefix + (begin + i).ToString(System.Globalization.CultureInfo.InvariantCulture).PadLeft(range.Digits, '0'))];
    }

    // ---- asking, and writing down what came of it

    private async Task DoAsync(Work work)
    {
        var (profile, ct) = (work.Account.Profile, _stop.Token);
        CarrierAnswer? said = work.Step switch
        {
            Step.Address => await _client.CallAsync(work.Account, "address", profile.Address!, work.Values, ct),
            Step.Buy => await _client.CallAsync(work.Account, "create", profile.Create!, work.Values, ct),
            Step.Find => await _client.CallAsync(work.Account, "find", profile.Find!, work.Values, ct),
            Step.Label => work.Booking.LabelSource is null ? await _client.CallAsync(work.Account, "label", profile.Label!, work.Values, ct) : null,
            Step.Track => await _client.CallAsync(work.Account, "track", profile.Track!, work.Values, ct),
            Step.Cancel => await _client.CallAsync(work.Account, "cancel", profile.Cancel!, work.Values, ct),
        };
        var answer = work.Step == Step.Label && said is null or { Result: CallResult.Ok } ? await LabelAsync(work, said?.Json, ct) : said!;
        await SaveAsync(work, said, answer);
    }

    /// <summary>The label itself: in the answer, or where the answer points to.</summary>
    private async Task<CarrierAnswer> LabelAsync(Work work, JsonNode? answer, CancellationToken ct)
    {
        var read = work.Account.Profile.Label?.Read;
        string Word(string name) => read is not null && read.TryGetValue(name, out var path) ? JsonWords.Read(answer, path) : "";
        var type = Word("content_type") is { Length: > 0 } told ? told : null;
        if ((work.Booking.LabelSource ?? Word("url")) is { Length: > 0 } url)
        {
            var fetched = await _client.FetchAsync(work.Account, url, ct);
            return fetched with { ContentType = LabelTypes.Of(fetched.Bytes, fetched.ContentType ?? type) };
        }
        var text = Word("content");
        var bytes = new byte[text.Length];
        if (text.Length == 0) return new CarrierAnswer(CallResult.Refused, Error: "no label in the answer");
        var content = text.StartsWith("^XA", StringComparison.Ordinal) ? System.Text.Encoding.UTF8.GetBytes(text) : Convert.TryFromBase64String(text, bytes, out var length) ? bytes[..length] : null;
        return content is null ? new CarrierAnswer(CallResult.Refused, Error: "the label is no Base64") : new CarrierAnswer(CallResult.Ok, Bytes: content, ContentType: LabelTypes.Of(content, type));
    }

    /// <param name="said">What the carrier itself said, which its circuit goes by; null where it was not asked: its label may lie at anybody's server.</param>
    private async Task SaveAsync(Work work, CarrierAnswer? said, CarrierAnswer answer)
    {
        await _node.Lanes.ExecuteAsConsumerAsync<Done>(Lane.Site(work.Booking.Site), Caller.System, async tx =>
        {
            var random = _node.Ids.NextDouble();
            if (said is not null && await CarrierRows.FindAsync(tx.Group.Session, work.Account.Site, work.Account.Carrier) is { } row) await BookingResults.CountAsync(tx, row, said, random);
            if (await Bookings.FindAsync(tx.Group.Session, work.Booking.Id) is not { } booking || booking.Owner != _me) return new Done(); // it took too long: somebody else has it
            switch (work.Step)
            {
                case Step.Address: await AddressedAsync(tx, booking, work.Account, answer, random); break;
                case Step.Buy: await BookingResults.BoughtAsync(tx, booking, work.Account, answer, random, work.Again); break;
                case Step.Find: await BookingResults.FoundAsync(tx, booking, work.Account, answer, random); break;
                case Step.Label: await BookingResults.LabelledAsync(tx, booking, answer, random); break;
                case Step.Cancel: await BookingResults.CancelledAsync(tx, booking, answer, random); break;
                case Step.Track:
                    var scans = answer.Result == CallResult.Ok ? Tracking.Read(work.Account, answer.Json, work.Account.Profile.Track!.Items, work.Account.Profile.Track.Read) : [];
                    await Tracking.LookedAsync(tx, booking, work.Account, answer, scans, random);
                    break;
            }
            return new Done();
        });
    }

    private static ValueTask AddressedAsync(LaneTransaction tx, BookingRow booking, CarrierAccount account, CarrierAnswer answer, double random)
    {
        var read = account.Profile.Address!.Read;
        string? Word(string name, int most) => answer.Result == CallResult.Ok && read.TryGetValue(name, out var path) && JsonWords.Read(answer.Json, path) is { Length: > 0 } text ? text.Length <= most ? text : text[..most] : null;
        var line1 = Word("line1", 200);
        var address = line1 is null ? null : new AddressDetails(Word("name", 200), line1, Word("line2", 200), Word("city", 128), Word("region", 128), Word("postal_code", 32), Word("country", 2), null, null);
        return BookingResults.AddressedAsync(tx, booking, answer, address, Word("phone", 50), random);
    }

    public async ValueTask DisposeAsync()
    {
        _node.Lanes.Committed -= OnCommitted;
        await _stop.CancelAsync();
        await WhenIdleAsync();
        _client.Dispose();
        _stop.Dispose();
    }
}
