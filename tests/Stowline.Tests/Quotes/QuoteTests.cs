using Stowline.Hub.Ordering;
using Stowline.Hub.Quotes;
using Stowline.Hub.Quotes.Mesh;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Quotes;

/// Goal: every quote ends with one price or one reason, whatever happens to the processes that work on it, and nobody waits for ever. Method: real SQL, time moved
/// by hand, workers run step by step.
public class QuoteTests
{
    [Theory, EveryDatabase]
    public async Task A_quote_is_calculated_in_the_background_and_explained(string store)
    {
        await using var node = await QuoteNode.StartAsync(store);
        var asked = (await node.TryAsync(QuoteNode.Piece with { Client = "4711", ClientClass = "b2c" })).Value;
        Assert.Equal((QuoteStatus.Calculating, 0, 1), (asked.Status, asked.Progress, asked.Number));

        Assert.True(await node.WorkAsync());
        Assert.False(await node.WorkAsync());

        var quote = await node.ReadAsync(Guid.Parse(asked.Id));
        Assert.Equal((QuoteStatus.Calculated, 100, PriceTests.Eur(14.97m), 1), (quote.Status, quote.Progress, quote.Price!.Total, quote.Tries));
        Assert.Equal(node.Test.Time.GetUtcNow().AddDays(14), quote.ValidUntil);
        Assert.Equal(["quote.requested", "quote.calculated"], await node.EventsAsync(Guid.Parse(asked.Id)));
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_model_file_is_measured_and_a_broken_one_is_refused_by_name(string store)
    {
        await using var node = await QuoteNode.StartAsync(store);
        var good = await node.AskAsync(new QuoteBody { Material = "PLA", Units = ModelUnits.Cm }, Solids.Stl(Solids.Cube(2)));
        var broken = await node.AskAsync(new QuoteBody { Material = "PLA" }, Solids.Stl(Solids.Cube(2)[2..]));
        while (await node.WorkAsync()) { }

        var quote = await node.ReadAsync(good);
        Assert.Equal((QuoteStatus.Calculated, 8_000, 2_400, 20), (quote.Status, quote.Measures!.VolumeMm3, quote.Measures.SurfaceMm2, quote.Measures.MinWallMm));
        Assert.Equal((ModelFormat.Stl, 684), (quote.Model!.Format, quote.Model.Bytes));
        var failed = await node.ReadAsync(broken);
        Assert.Equal((QuoteStatus.Failed, "invalid_model", "not_watertight"), (failed.Status, failed.Error!.Code, failed.Error.Reason));
        Assert.Equal(["quote.requested", "quote.failed"], await node.EventsAsync(broken));
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_cannot_be_priced_is_refused_and_leaves_nothing(string store)
    {
        await using var node = await QuoteNode.StartAsync(store, priced: false);
        Assert.Equal("no_price_model", (await node.TryAsync(QuoteNode.Piece)).Refusal!.Code);
        await node.SaveAsync(PriceTests.Model);
        foreach (var (field, body) in new[]
        {
            ("material", QuoteNode.Piece with { Material = "WOOD" }), ("material", QuoteNode.Piece with { Material = null }), ("client_class", QuoteNode.Piece with { ClientClass = "vip" }),
            ("quantity", QuoteNode.Piece with { Quantity = 0 }), ("quantity", QuoteNode.Piece with { Quantity = 1_000_001 }), ("volume_mm3", QuoteNode.Piece with { VolumeMm3 = double.NaN }),
            ("volume_mm3", QuoteNode.Piece with { VolumeMm3 = 10_001 }), ("box_mm", QuoteNode.Piece with { BoxMm = null }), ("surface_mm2", QuoteNode.Piece with { SurfaceMm2 = -1 }),
        })
            Assert.Contains(field, (await node.TryAsync(body)).Refusal!.Errors!.Keys);
        Assert.Contains("volume_mm3", RequestQuote.Check(QuoteNode.Piece, new ReceivedModel(Guid.Empty, ModelFormat.Stl, 1, []), node.Node.Ids).Refusal!.Errors!.Keys);
        Assert.DoesNotContain(await node.Node.Lanes.ReadAsync(Lane.Hub, 0, 1_000), e => e.Type == "quote.requested");
        Assert.Equal(1, (await node.TryAsync(QuoteNode.Piece)).Value.Number);
    }

    /// Goal: a process that is killed in the middle holds its quote up for half a minute, and can do no harm should it live on. Method: the worker of one node ends
    /// after measuring; another node works on the same database; then the first one comes back late.
    [Theory, EveryDatabase]
    public async Task A_killed_process_loses_its_lease_and_another_one_goes_on(string store)
    {
        await using var node = await QuoteNode.StartAsync(store);
        await using var other = await node.BesideAsync();
        var id = await node.AskAsync(new QuoteBody { Material = "PLA" }, Solids.Stl(Solids.Cube(20)));
        ClaimedQuote? late = null;
        node.Worker.Measured = claimed => throw new InvalidOperationException((late = claimed).Quote.Id.ToString());
        await Assert.ThrowsAsync<InvalidOperationException>(node.WorkAsync);

        Assert.False(await other.WorkAsync()); // still leased
        node.Test.Time.Advance(TimeSpan.FromSeconds(31));
        Assert.True(await other.WorkAsync());
        var quote = await node.ReadAsync(id);
        Assert.Equal((QuoteStatus.Calculated, 2), (quote.Status, quote.Tries));

        await node.WritingAsync(DoneAsync(node.Quotes.Queue.FinishAsync(late!, new MeasuredModel(null, "late", "late"))));
        Assert.False(await node.WritingAsync(node.Quotes.Queue.RenewAsync(late!, 50)));
        Assert.Equal((QuoteStatus.Calculated, 100), ((await node.ReadAsync(id)).Status, (await node.ReadAsync(id)).Progress));
        Assert.Equal(["quote.requested", "quote.calculated"], await node.EventsAsync(id));
        await node.Test.VerifyAsync();
    }

    private static async Task<bool> DoneAsync(Task task)
    {
        await task;
        return true;
    }

    [Theory, EveryDatabase]
    public async Task A_quote_that_ends_every_process_is_given_up(string store)
    {
        await using var node = await QuoteNode.StartAsync(store);
        var id = await node.AskAsync();
        node.Worker.Measured = _ => throw new InvalidOperationException("killed");
        for (var kill = 0; kill < 5; kill++)
        {
            await Assert.ThrowsAsync<InvalidOperationException>(node.WorkAsync);
            node.Test.Time.Advance(TimeSpan.FromSeconds(31));
        }
        var next = await node.AskAsync();
        node.Worker.Measured = null;
        Assert.True(await node.WorkAsync());
        Assert.Equal(("gave_up", QuoteStatus.Calculated), ((await node.ReadAsync(id)).Error!.Code, (await node.ReadAsync(next)).Status));
    }

    [Theory, EveryDatabase]
    public async Task A_disk_that_fails_is_tried_again_later(string store)
    {
        await using var node = await QuoteNode.StartAsync(store);
        var id = await node.AskAsync();
        node.Worker.Measured = _ => throw new IOException("disk");
        await Assert.ThrowsAsync<IOException>(node.WorkAsync);
        node.Worker.Measured = null;
        Assert.False(await node.WorkAsync());
        node.Test.Time.Advance(TimeSpan.FromSeconds(7));
        Assert.True(await node.WorkAsync());
        Assert.Equal(QuoteStatus.Calculated, (await node.ReadAsync(id)).Status);
    }

    [Theory, EveryDatabase]
    public async Task A_stopping_process_gives_its_quote_back_at_once(string store)
    {
        await using var node = await QuoteNode.StartAsync(store);
        var id = await node.AskAsync(new QuoteBody { Material = "PLA" }, Solids.Stl(Solids.Sphere(20, 300, 150)));
        using var stop = new CancellationTokenSource();
        var step = node.Worker.RunOnceAsync(stop.Token).AsTask();
        while ((await node.ReadAsync(id)).Tries == 0) await node.WritingAsync(Task.FromResult(true));
        await stop.CancelAsync();
        await node.WritingAsync(step.ContinueWith(_ => true, TaskScheduler.Default));
        if ((await node.ReadAsync(id)).Status == QuoteStatus.Calculating) // unless it was quicker than the stop
        {
            Assert.Equal(0, (await node.ReadAsync(id)).Tries);
            Assert.True(await node.WorkAsync());
        }
        Assert.Equal(QuoteStatus.Calculated, (await node.ReadAsync(id)).Status);
    }

    [Theory, EveryDatabase]
    public async Task A_cancelled_quote_stays_cancelled_while_it_is_being_calculated(string store)
    {
        await using var node = await QuoteNode.StartAsync(store);
        var id = await node.AskAsync();
        node.Worker.Measured = async _ => Assert.True((await node.Node.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, tx => ChangeQuote.CancelAsync(id, null, node.Quotes.Running, tx))).IsOk);
        Assert.True(await node.WorkAsync());
        Assert.Equal(QuoteStatus.Cancelled, (await node.ReadAsync(id)).Status);
        Assert.Equal(["quote.requested", "quote.cancelled"], await node.EventsAsync(id));
        Assert.True((await node.CancelAsync(id)).Existing);

        node.Worker.Measured = null;
        Assert.Equal(QuoteStatus.Calculating, (await node.RetryAsync(id)).Value.Status);
        Assert.True(await node.WorkAsync());
        Assert.Equal("invalid_transition", (await node.CancelAsync(id)).Refusal!.Code);
        await node.Test.VerifyAsync();
    }

    /// Goal: better clients go first, and nobody starves. Method: one worker that does a quote a minute, and every minute another business client.
    [Theory, EveryDatabase]
    public async Task Classes_go_first_by_their_head_start_and_no_further(string store)
    {
        await using var node = await QuoteNode.StartAsync(store);
        var backlog = new List<Guid>();
        for (var i = 0; i < 3; i++) backlog.Add(await node.AskAsync(QuoteNode.Piece with { ClientClass = "b2b" }));
        var small = await node.AskAsync(QuoteNode.Piece with { ClientClass = "b2c" });
        var passed = 0;
        while ((await node.ReadAsync(small)).Status == QuoteStatus.Calculating)
        {
            Assert.True(await node.WorkAsync());
            passed++;
            node.Test.Time.Advance(TimeSpan.FromMinutes(1));
            await node.AskAsync(QuoteNode.Piece with { ClientClass = "b2b" });
            Assert.True(passed < 100, "the small client starves");
        }
        // Three were there before, and one came in each of the thirty minutes of the head start (the last one at the very same rank, but younger).
        Assert.Equal(3 + 29 + 1, passed);
        foreach (var first in backlog) Assert.Equal(QuoteStatus.Calculated, (await node.ReadAsync(first)).Status);
    }

    [Theory, EveryDatabase]
    public async Task A_process_takes_only_files_that_it_sees(string store)
    {
        await using var node = await QuoteNode.StartAsync(store);
        var elsewhere = Directory.CreateTempSubdirectory("stowline-models-").FullName;
        try
        {
            await using var far = await node.BesideAsync(elsewhere);
            var file = await node.AskAsync(new QuoteBody { Material = "PLA" }, Solids.Stl(Solids.Cube(20)));
            var measures = await node.AskAsync();
            while (await far.WorkAsync()) { }
            Assert.Equal((QuoteStatus.Calculating, QuoteStatus.Calculated), ((await node.ReadAsync(file)).Status, (await node.ReadAsync(measures)).Status));
            Assert.True(await node.WorkAsync());
            Assert.Equal(QuoteStatus.Calculated, (await node.ReadAsync(file)).Status);
        }
        finally
        {
            Directory.Delete(elsewhere, recursive: true);
        }
    }

    [Theory, EveryDatabase]
    public async Task A_waiting_caller_is_answered_at_the_end_or_when_the_time_is_up(string store)
    {
        await using var node = await QuoteNode.StartAsync(store);
        var id = await node.AskAsync();
        var waiting = node.Quotes.Waiters.ReadAsync(id, TimeSpan.FromDays(1), default);
        var impatient = node.Quotes.Waiters.ReadAsync(id, TimeSpan.FromSeconds(1), default);
        Assert.Equal(QuoteStatus.Calculating, (await node.Quotes.Waiters.ReadAsync(id, TimeSpan.Zero, default))!.Status);
        while (!impatient.IsCompleted)
        {
            node.Test.Time.Advance(TimeSpan.FromMilliseconds(100)); // its timer may not be there yet at the first try
            await Task.WhenAny(impatient, Task.Run(() => node.ReadAsync(id)));
        }
        Assert.Equal(QuoteStatus.Calculating, (await impatient)!.Status);
        await node.WorkAsync();
        Assert.Equal(QuoteStatus.Calculated, (await waiting)!.Status);
        Assert.Null(await node.Quotes.Waiters.ReadAsync(Guid.Empty, TimeSpan.FromSeconds(30), default));
    }

    [Theory, EveryDatabase]
    public async Task Files_are_deleted_when_nobody_needs_them_any_more(string store)
    {
        await using var node = await QuoteNode.StartAsync(store);
        var ended = await node.AskAsync(new QuoteBody { Material = "PLA" }, Solids.Stl(Solids.Cube(20)));
        await node.WorkAsync();
        var open = await node.AskAsync(new QuoteBody { Material = "PLA" }, Solids.Stl(Solids.Cube(20)));
        var lost = (await node.Quotes.Folder.ReceiveAsync(node.Node.Ids.Next(), ModelFormat.Stl, new MemoryStream(Solids.Stl(Solids.Cube(1))), default)).Value.Quote;
        var cleaning = node.Node.Pumps.OfType<QuoteCleaning>().Single();
        bool Exists(Guid id) => File.Exists(node.Quotes.Folder.PathOf(id, ModelFormat.Stl));
        async Task AfterAsync(TimeSpan time)
        {
            node.Test.Time.Advance(time);
            foreach (var file in Directory.EnumerateFiles(Path.Combine(node.Folder, "models"))) File.SetLastWriteTimeUtc(file, (node.Test.Time.GetUtcNow() - time).UtcDateTime);
            await cleaning.RunOnceAsync(default);
        }

        await AfterAsync(TimeSpan.FromHours(23));
        Assert.True(Exists(ended) && Exists(open) && Exists(lost));
        await AfterAsync(TimeSpan.FromHours(25));
        Assert.True(Exists(ended) && Exists(open) && !Exists(lost));
        await AfterAsync(TimeSpan.FromDays(30));
        Assert.True(!Exists(ended) && Exists(open));
        Assert.Equal("model_gone", (await node.RetryAsync(ended)).Refusal!.Code);
    }

    [Theory, EveryDatabase]
    public async Task A_new_price_model_counts_from_the_next_calculation_on(string store)
    {
        await using var node = await QuoteNode.StartAsync(store);
        var id = await node.AskAsync(QuoteNode.Piece with { ClientClass = "b2c" });
        await node.WorkAsync();
        Assert.True((await node.SaveAsync(PriceTests.Model)).Existing);
        Assert.Equal(2, (await node.SaveAsync(PriceTests.Model with { Setup = PriceTests.Eur(15) })).Value.Version);
        Assert.Equal((14.97m, 1), ((await node.ReadAsync(id)).Price!.Total.Amount, (await node.ReadAsync(id)).Price!.PriceModel));
        await node.RetryAsync(id);
        await node.WorkAsync();
        Assert.Equal((29.97m, 2), ((await node.ReadAsync(id)).Price!.Total.Amount, (await node.ReadAsync(id)).Price!.PriceModel));
        await node.SaveAsync(PriceTests.Model with { Materials = [PriceTests.Model.Materials![1]] });
        await node.RetryAsync(id);
        await node.WorkAsync();
        Assert.Equal("unknown_material", (await node.ReadAsync(id)).Error!.Code);
    }

    [Fact]
    public async Task A_file_beyond_the_limit_is_refused_and_leaves_nothing()
    {
        await using var node = await QuoteNode.StartAsync("sqlite");
        node.Quotes.Folder.Most = 1_000;
        var received = await node.Quotes.Folder.ReceiveAsync(Guid.Empty, ModelFormat.Stl, new MemoryStream(new byte[1_001]), default);
        Assert.Equal((RefusalKind.TooLarge, "body_too_large"), (received.Refusal!.Kind, received.Refusal.Code));
        var huge = await node.Quotes.Folder.ReceiveAsync(Guid.Empty, ModelFormat.Stl, new MemoryStream([.. Enumerable.Repeat((byte)255, 200)]), default);
        Assert.Equal(("invalid_model", "truncated"), (huge.Refusal!.Code, huge.Refusal.Extra!["reason"]));
        Assert.Equal(["folder.id"], Directory.EnumerateFiles(Path.Combine(node.Folder, "models")).Select(Path.GetFileName));
    }
}
