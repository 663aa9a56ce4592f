using Stowline.Hub.Channels;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;
using Stowline.Tests.Hub;
using Stowline.Tests.Support;

namespace Stowline.Tests.Channels;

/// <summary>A hub with an account at the double of Allegro.</summary>
internal sealed class ChannelNode(HubNode hub, AllegroDouble allegro) : IAsyncDisposable
{
    public const string Code = "allegro-main";
    public HubNode Hub => hub;
    public AllegroDouble Allegro => allegro;
    public ManualTime Time => hub.Test.Time;
    public ChannelsModule Module => hub.Node.Modules.OfType<ChannelsModule>().Single();

    public static async Task<ChannelNode> StartAsync(string store, int skus = 0, ChannelSettings? settings = null, Action<AllegroDouble>? prepare = null)
    {
        var hub = await HubNode.StartAsync(store, new ChannelsModule());
        var allegro = await AllegroDouble.StartAsync(hub.Test.Time);
        prepare?.Invoke(allegro);
        var node = new ChannelNode(hub, allegro);
        hub.Node.Secrets = SecretBox.Of(new byte[32]);
        node.Module.Target.AllowPrivate = true;
        await hub.SiteAsync("WH1");
        var names = Enumerable.Range(1, skus).Select(i => $"S{i}").ToArray();
        if (skus > 0) await hub.ProductsAsync(names);
        foreach (var name in names) allegro.Offer("offer-" + name, name, 0);
        await node.SaveAsync(settings);
        if (skus > 0) await node.OfferAsync([.. names.Select(n => ("offer-" + n, (string?)n))]);
        return node;
    }

    public async Task<ChannelView> SaveAsync(ChannelSettings? settings = null, bool enabled = true)
    {
        var body = new ChannelBody
        {
            Kind = ChannelKind.Allegro, Name = "Allegro", Enabled = enabled,
            Settings = (settings ?? new ChannelSettings()) with { ApiUrl = allegro.Url, AuthUrl = allegro.Url + "/auth/oauth/token" },
            Secrets = new ChannelSecrets { ClientId = "the-client", ClientSecret = "the-secret", RefreshToken = allegro.RefreshToken },
        };
        return (await hub.Test.RunAsync(Lane.Hub, tx => SaveChannel.DecideAsync(Code, body, Module.Target, hub.Node, tx))).Value;
    }

    public async Task OfferAsync(params (string Offer, string? Sku)[] offers) => Assert.True((await hub.Test.RunAsync(Lane.Hub,
        tx => ChannelOffers.DecideAsync(Code, new OffersBody([.. offers.Select(o => (OfferEntry?)new OfferEntry(o.Offer, o.Sku))]), tx))).IsOk);

    /// <summary>Lets virtual time pass, second by second, with everything that runs by itself.</summary>
    public async Task PassAsync(TimeSpan time, TimeSpan? step = null, Func<Task>? each = null)
    {
        var by = step ?? TimeSpan.FromSeconds(1);
        for (var passed = TimeSpan.Zero; passed < time; passed += by)
        {
            Time.Advance(by);
            if (each is not null) await each();
            await hub.Test.DrainAsync();
        }
    }

    /// <summary>How long until it is so, in virtual time; fails after the limit.</summary>
    public async Task<TimeSpan> UntilAsync(Func<bool> so, TimeSpan limit)
    {
        var started = Time.GetUtcNow();
        while (!so())
        {
            Assert.True(Time.GetUtcNow() - started < limit, $"not within {limit}");
            await PassAsync(TimeSpan.FromSeconds(1));
        }
        return Time.GetUtcNow() - started;
    }

    public Task<SyncStatus> StatusAsync() => hub.Test.Database.ReadAsync(s => StockSync.StatusAsync(s, Module.Sync, Time.GetUtcNow()));

    public Task<IReadOnlyList<OperationRow>> OperationsAsync(string where = "1 = 1") =>
        hub.Test.Database.ReadAsync(async s => await s.QueryAsync<OperationRow>($"SELECT {OperationRow.Columns} FROM stock_operations WHERE {where} ORDER BY id"));

    public Task<T?> ReadAsync<T>(string sql) => hub.Test.Database.ReadAsync(async s => await s.FindAsync<T>(sql));

    public async ValueTask DisposeAsync()
    {
        await hub.DisposeAsync();
        await allegro.DisposeAsync();
    }
}
