using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Quotes;

/// <summary>Prices of made-to-order goods, calculated in the background by workers of any process (H6).</summary>
internal sealed class QuotesModule : Module
{
    private readonly Signal _wake = new();
    private readonly RunningQuotes _running = new();
    private ModelFolder? _folder;
    private QuoteQueue? _queue;
    private QuoteWaiters? _waiters;

    public QuotesModule() => HttpJson.Add(QuotesJson.Default);

    public override string Name => "quotes";

    internal ModelFolder Folder => _folder!;
    internal QuoteQueue Queue => _queue!;
    internal QuoteWaiters Waiters => _waiters!;
    internal RunningQuotes Running => _running;
    internal Signal Wake => _wake;

    /// <summary>The workers of this process, for tests that play a process's sudden end.</summary>
    internal IReadOnlyList<QuoteWorker> Workers { get; private set; } = [];

    public override Task StartAsync(Node node, CancellationToken ct)
    {
        _folder = new ModelFolder(node);
        _queue = new QuoteQueue(node, _folder);
        _waiters = new QuoteWaiters(node);
        node.Lanes.Committed += _waiters.Committed;
        node.Lanes.Meter.Get<QuoteMetrics>(); // there from the start, not from the first quote on
        return Task.CompletedTask;
    }

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        RequestQuote.Map(api, node, _folder!, _wake);
        ReadQuotes.Map(api, node, _waiters!);
        ChangeQuote.Map(api, node, _running, _wake);
        OrderQuote.Map(api, node);
        MapPriceModel(api, node);
    }

    private static void MapPriceModel(IEndpointRouteBuilder api, Node node)
    {
        api.Put("/quotes/price-model", http => Commands.RunAsync<PriceModel, PriceModelView>(http, node.Lanes, Lane.Hub, PriceModels.DecideAsync))
            .WithTags("Quotes").WithSummary("Replace how quotes are priced").Accepts<PriceModel>("application/json").Produces<PriceModelView>();
        api.Get("/quotes/price-model", async http =>
        {
            var model = await node.Database.ReadAsync(PriceModels.CurrentAsync, http.RequestAborted);
            await Answers.WriteAsync<PriceModelView>(http, model is null ? Refusal.NotFound("no_price_model", "no price model was saved yet") : model);
        }).WithTags("Quotes").WithSummary("How quotes are priced now").Produces<PriceModelView>();
    }

    public override IEnumerable<Pump> Pumps(Node node)
    {
        Workers = [.. Enumerable.Range(1, Math.Clamp(Environment.ProcessorCount / 2, 1, 4)).Select(n => new QuoteWorker(n, node, _queue!, _folder!, _running, _wake))];
        return [.. Workers, new QuoteCleaning(node, _folder!)];
    }

    public override IEnumerable<(string Check, Func<SqlSession, Task<string?>> Run)> Checks(Node node)
    {
        yield return ("quotes", async session => await session.FindAsync<string>("""
            SELECT 'quote ' || number || ' has not what its state needs' FROM quotes
            WHERE (status IN (2, 5) AND (price IS NULL OR valid_until IS NULL)) OR (status = 3 AND error_code IS NULL)
               OR (status = 5) <> (order_id IS NOT NULL) OR (status <> 1 AND lease_until IS NOT NULL) LIMIT 1
            """));
    }
}
