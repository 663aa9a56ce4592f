using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Quotes;
using Stowline.Hub.Quotes.Mesh;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Quotes;

/// <summary>A node with a price model, a product and a folder for files; the test runs its workers.</summary>
public sealed class QuoteNode(TestNode test, string folder, bool ownsFolder) : IAsyncDisposable
{
    private static readonly Box PieceMm = new(20, 20, 25);

    public TestNode Test => test;
    public Node Node => test.Node;
    internal QuotesModule Quotes => Node.Modules.OfType<QuotesModule>().Single();
    internal QuoteWorker Worker => Quotes.Workers[0];

    public static async Task<QuoteNode> StartAsync(string store, bool priced = true)
    {
        var node = new QuoteNode(await TestNode.StartAsync(store), Directory.CreateTempSubdirectory("stowline-models-").FullName, ownsFolder: true);
        node.Node.DataFolder = node.Folder;
        var product = SaveProducts.CheckAll([new ProductBody { Sku = "MADE", Name = "Made to order", Price = PriceTests.Eur(1) }]);
        Assert.True((await node.Test.RunAsync(Lane.Hub, tx => SaveProducts.DecideAsync(product.Value, tx))).IsOk);
        if (priced) Assert.True((await node.SaveAsync(PriceTests.Model)).IsOk);
        return node;
    }

    public string Folder => folder;

    /// <summary>Another process on the same database and, where it is not given another, the same folder.</summary>
    public async Task<QuoteNode> BesideAsync(string? otherFolder = null)
    {
        var node = new QuoteNode(await test.BesideAsync(), otherFolder ?? folder, ownsFolder: false);
        node.Node.DataFolder = node.Folder;
        return node;
    }

    public Task<Outcome<PriceModelView>> SaveAsync(PriceModel model) => test.RunAsync(Lane.Hub, tx => PriceModels.DecideAsync(model, tx));

    public static QuoteBody Piece => new() { Material = "PLA", VolumeMm3 = 10_000, SurfaceMm2 = 2_800, BoxMm = PieceMm };

    public async Task<Outcome<QuoteView>> TryAsync(QuoteBody body, byte[]? stl = null)
    {
        var received = stl is null ? null : (await Quotes.Folder.ReceiveAsync(Node.Ids.Next(), ModelFormat.Stl, new MemoryStream(stl), default)).Value;
        var quote = RequestQuote.Check(body, received, Node.Ids);
        return quote.IsOk ? await GiveAsync(tx => RequestQuote.DecideAsync(quote.Value, Quotes.Folder, () => { }, tx)) : quote.Refusal!;
    }

    public async Task<Guid> AskAsync(QuoteBody? body = null, byte[]? stl = null) => Guid.Parse((await TryAsync(body ?? Piece, stl)).Value.Id);

    /// <summary>Gives a command and runs only the writers: the workers are the test's to run.</summary>
    public Task<Outcome<T>> GiveAsync<T>(Func<LaneTransaction, ValueTask<Outcome<T>>> decide) => WritingAsync(Node.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, decide));

    /// <summary>One step of a worker.</summary>
    public Task<bool> WorkAsync() => WritingAsync(Worker.RunOnceAsync(default).AsTask());

    /// <summary>Runs the writers until a task that waits for them has ended.</summary>
    public async Task<T> WritingAsync<T>(Task<T> task)
    {
        do
        {
            foreach (var writer in Node.Lanes.Writers.ToArray()) await writer.RunOnceAsync(default);
            await Task.WhenAny(task, new Signal().WaitAsync(TimeSpan.FromMilliseconds(2), TimeProvider.System, default));
        }
        while (!task.IsCompleted);
        return await task;
    }

    public async Task<QuoteView> ReadAsync(Guid id) => (await test.Database.ReadAsync(s => QuoteRow.FindAsync(s, id)))!.View;

    public Task<Outcome<QuoteView>> CancelAsync(Guid id) => GiveAsync(tx => ChangeQuote.CancelAsync(id, "changed their mind", Quotes.Running, tx));
    public Task<Outcome<QuoteView>> RetryAsync(Guid id) => GiveAsync(tx => ChangeQuote.RetryAsync(id, Quotes.Wake, tx));

    public async Task<Outcome<OrderView>> OrderAsync(Guid id, QuoteOrderBody body)
    {
        // The answer waits for the site's consumers, so they must run too.
        var answer = await test.RunAsync(Lane.Hub, tx => OrderQuote.DecideAsync(id, body, Node, tx));
        await test.DrainAsync();
        return answer;
    }

    /// <summary>The types of all events about a quote, oldest first.</summary>
    public async Task<IReadOnlyList<string>> EventsAsync(Guid id) =>
        await test.Database.ReadAsync(async s => await s.QueryAsync<string>("SELECT type FROM events WHERE subject = @subject ORDER BY position", new { subject = QuoteRow.SubjectOf(id) }));

    public async ValueTask DisposeAsync()
    {
        await test.DisposeAsync();
        if (ownsFolder) Directory.Delete(folder, recursive: true);
    }
}
