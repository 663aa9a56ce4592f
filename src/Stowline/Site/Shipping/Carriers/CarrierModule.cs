using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Store;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>Carriers (F5): accounts and rules of each site, parcels bought from them, tracking.</summary>
public sealed class CarrierModule : Module
{
    /// <summary>Announced when a site gets a carrier.</summary>
    internal const string Topic = "carriers";

    private CarrierClient? _client;
    private Node? _node;
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, bool> _used = new(StringComparer.Ordinal);

    public CarrierModule() => HttpJson.Add(CarrierJson.Default);

    public override string Name => "carriers";

    /// <summary>Which addresses may be called.</summary>
    public OutboundTarget Target { get; } = new();

    /// <summary>Whether a site has, or had, any carriers.</summary>
    internal bool IsUsedBy(string site) => _used.ContainsKey(site);

    internal void IsUsed(string site) => _used[site] = true;

    /// <summary>What credentials are sealed with; null on a node without a key for it.</summary>
    internal Kernel.SecretBox? Box => _node?.Secrets;

    public override async Task StartAsync(Node node, CancellationToken ct)
    {
        _node = node;
        node.Lanes.WhenAnnounced(Topic, token => LookAsync(node, token));
        await LookAsync(node, ct);
    }

    private async Task LookAsync(Node node, CancellationToken ct)
    {
        foreach (var site in await node.Database.ReadAsync(async s => await s.QueryAsync<string>("SELECT DISTINCT site FROM carriers"), ct)) IsUsed(site);
    }

    private CarrierClient Client(Node node) => _client ??= new CarrierClient(Target, node.Time, node.Lanes.Meter.Get<CarrierMetrics>());

    public override IEnumerable<Pump> Pumps(Node node) => [new CarrierPump(node, Client(node)), new SealSecrets(node)];

    public override IEnumerable<(Consumer Consumer, Lane Source)> ConsumersFor(string site, Node node) =>
        node.IsRemote(site) ? [(new TroubleCopies(site), Lane.Site(site))] : node.Role.Site == site ? [(new BookingConsumer(site, this), Lane.Site(site)), (new ErasedParcels(site), Lane.HubAll)] : [(new BookingConsumer(site, this), Lane.Site(site))];

    public override IReadOnlyList<SiteTable> SiteTables =>
    [
        new("carriers"), new("carrier_secrets") { Moves = false }, new("shipping_settings"),
        new("parcel_scans") { Of = "booking_id IN (SELECT id FROM carrier_bookings WHERE site = @site)" }, new("carrier_bookings") { Person = "person_id" },
        new("carrier_trouble_copies") { Moves = false, Stays = true }, new("booking_trouble_copies") { Moves = false, Stays = true },
    ];

    public override async ValueTask MoveOutAsync(string site, LaneTransaction tx)
    {
        await tx.StartAtEndAsync(new TroubleCopies(site).Name, Lane.Site(site));
        // What was theirs in these rows cannot be read since, and they may have come again.
        await MovedSites.BeginsAtEndAsync(tx, site, new ErasedParcels(site).Name, Lane.HubAll);
    }

    public override ValueTask LetGoAsync(string site, LaneTransaction tx) => TroubleCopies.BeginAsync(site, tx);

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        _node = node; // a node that only looks has not started its modules
        SaveCarrier.Map(api, node, this);
        ShippingSettings.Map(api, node);
        Bookings.Map(api, node);
        Rates.Map(api, node, Client(node));
        Manifests.Map(api, node, Client(node));
        CarrierWebhook.Map(api, node);
        api.MapPost("/packing-tasks/{key}/book", (HttpContext http, string key) => TaskInput.RunAsync<BookPackingBody, BookingView>(http, node, PackingEndpoints.Table, key,
                PackingTasks.NotFound, BookPacking.DecideAsync, StatusCodes.Status201Created, optionalBody: true))
            .WithTags("Carriers").WithSummary("Buy a packed task's transport from a carrier, by the site's rules or by name").Takes<BookPackingBody>(optional: true).Produces<BookingView>(StatusCodes.Status201Created);
        api.MapPost("/carrier-bookings/{key}/cancel", (HttpContext http, string key) => TaskInput.RunAsync<CancelBookingBody, BookingView>(http, node, Bookings.Table, key,
                Bookings.NotFound, ChangeBooking.CancelAsync, optionalBody: true))
            .WithTags("Carriers").WithSummary("Give a parcel back to its carrier").Takes<CancelBookingBody>(optional: true).Produces<BookingView>();
        api.MapPost("/carrier-bookings/{key}/retry", (HttpContext http, string key) => TaskInput.RunAsync(http, node, Bookings.Table, key, Bookings.NotFound, ChangeBooking.RetryAsync))
            .WithTags("Carriers").WithSummary("Try now what waits, and again what has failed").Produces<BookingView>();
        api.MapPost("/carrier-bookings/{key}/resolve", (HttpContext http, string key) => TaskInput.RunAsync<ResolveBookingBody, BookingView>(http, node, Bookings.Table, key,
                Bookings.NotFound, ChangeBooking.ResolveAsync))
            .WithTags("Carriers").WithSummary("Say what was found at the carrier's after its answer was lost").Takes<ResolveBookingBody>().Produces<BookingView>();
    }

    public override async Task<string?> FindSiteOfAsync(Database database, string resource, string key, CancellationToken ct) =>
        resource == "carrier-bookings" ? (await TaskInput.FindAsync(database, Bookings.Table, key, ct))?.Site : null;

    public override IEnumerable<(string Check, Func<SqlSession, Task<string?>> Run)> Checks(Node node) => [("carrier bookings", Bookings.CheckAsync)];
}

/// <summary>Serializers of what the module answers and stores, source-generated.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(CarrierBody))]
[JsonSerializable(typeof(CarrierView))]
[JsonSerializable(typeof(Page<CarrierView>))]
[JsonSerializable(typeof(Page<ProfileView>))]
[JsonSerializable(typeof(SenderAddress))]
[JsonSerializable(typeof(List<CarrierRule>))]
[JsonSerializable(typeof(ShippingSettingsBody))]
[JsonSerializable(typeof(ShippingSettingsView))]
[JsonSerializable(typeof(BookPackingBody))]
[JsonSerializable(typeof(BookingView))]
[JsonSerializable(typeof(Page<BookingView>))]
[JsonSerializable(typeof(Page<ScanView>))]
[JsonSerializable(typeof(CancelBookingBody))]
[JsonSerializable(typeof(ResolveBookingBody))]
[JsonSerializable(typeof(Page<RateView>))]
[JsonSerializable(typeof(ManifestBody))]
[JsonSerializable(typeof(ManifestView))]
[JsonSerializable(typeof(Page<ManifestView>))]
[JsonSerializable(typeof(WebhookTaken))]
[JsonSerializable(typeof(List<string>))]
internal sealed partial class CarrierJson : JsonSerializerContext;
