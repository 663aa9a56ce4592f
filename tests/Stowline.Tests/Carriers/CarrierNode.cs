using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Returns;
using Stowline.Site.Shipping;
using Stowline.Site.Shipping.Carriers;
using Stowline.Store;
using Stowline.Tests.Hub;
using Stowline.Tests.Site;
using Stowline.Tests.Support;

namespace Stowline.Tests.Carriers;

/// <summary>A hub with its site WH1, which ships: orders with addresses, packed in a line, and carriers that are doubles on loopback.</summary>
internal sealed class CarrierNode : IAsyncDisposable
{
    public const string Code = "WH1";
    private static readonly Lane Site = Lane.Site(Code);
    private int _orders;

    private CarrierNode(HubNode hub) => Hub = hub;

    public HubNode Hub { get; }
    public TestNode Test => Hub.Test;
    public ManualTime Time => Hub.Test.Time;
    public CarrierPump Pump => Test.Node.Pumps.OfType<CarrierPump>().Single();
    public CarrierModule Module => Test.Node.Modules.OfType<CarrierModule>().Single();

    public static readonly SenderAddress Sender = new() { Name = "Shop Ltd", Line1 = "Bulevar Oslobođenja 13", City = "Novi Sad", PostalCode = "21000", Country = "RS", Phone = "021 123 456" };
    public static readonly AddressDetails Belgrade = new("Ana Anić", "Knez Mihailova 10/7", "treći sprat", "Beograd", null, "11000", "RS", null, null);
    public static readonly AddressDetails Athens = new("Ana Anić", "P. Ralli 45", null, "Athens", null, "10680", "GR", null, null);

    public static async Task<CarrierNode> StartAsync(string store)
    {
        var hub = new HubNode(await TestNode.StartAsync(store));
        await hub.SiteAsync(Code);
        await hub.ProductsAsync("S");
        var node = new CarrierNode(hub);
        node.Module.Target.AllowPrivate = true;
        node.Test.Node.Secrets = SecretBox.Of(new byte[32]);
        var body = new ReceiveReturnBody { Reference = "R1", Reason = "seed", Lines = [new ReturnLineBody { Sku = "S", Quantity = 1_000 }] };
        await node.DoAsync(tx => ReceiveReturn.DecideAsync(Code, body, tx));
        await node.SettingsAsync();
        return node;
    }

    // ---- set up

    public async Task<CarrierView> CarrierAsync(string name, string profile, string url, string settings = "{}", params (string Name, string Value)[] secrets) => (await TryCarrierAsync(name, new CarrierBody
    {
        Profile = profile, Url = url, Settings = JsonDocument.Parse(settings).RootElement, Secrets = secrets.ToDictionary(s => s.Name, s => (string?)s.Value),
    })).Value;

    public Task<Outcome<CarrierView>> TryCarrierAsync(string name, CarrierBody body) => Test.RunAsync(Site, tx => SaveCarrier.DecideAsync(Code, name, body, Module, tx));

    public Task<CarrierView> YunAsync(LocalCarrier at, string name = "yun") =>
        CarrierAsync(name, "yun_express", at.Url, """{"method":"HKTHZXR"}""", ("customer_code", "C1"), ("api_secret", "yun-secret"));

    public Task<CarrierView> DExpressAsync(LocalCarrier at) => CarrierAsync("dx", "d_express", at.Url,
        """{"client_id":"UK16967","towns":{"11000":791032,"21000":703869},"number_prefix":"TT","number_first":1,"number_last":99}""", ("username", "dx-user"), ("password", "dx-secret"), ("passcode", "dx-passcode"));

    public Task<CarrierView> AcsAsync(LocalCarrier at) => CarrierAsync("acs", "acs", at.Url, """{"company_id":"co","user_id":"us","billing_code":"2ΑΚ1","station":"ΑΚ"}""",
        ("api_key", "acs-key"), ("company_password", "acs-company"), ("user_password", "acs-user"));

    public Task<CarrierView> OpenAsync(LocalCarrier at) => CarrierAsync("open", "yun_express_open", at.Url, """{"product":"THZXR"}""", ("app_id", "open-app"), ("app_secret", "open-secret"), ("source_key", "open-source"));

    public Task<CarrierView> EasyPostAsync(LocalCarrier at) => CarrierAsync("ep", "easypost", at.Url, """{"carrier_account":"ca_1","default_service":"GroundAdvantage"}""", ("api_key", "ep-key"), ("webhook_secret", "hook-secret"));

    public Task<CarrierView> BexAsync(LocalCarrier at) => CarrierAsync("bex", "bex", at.Url, """{"client_id":"326000"}""", ("token", "bex-token"));

    public Task<CarrierView> PostAsync(LocalCarrier at) => CarrierAsync("post", "post_express", at.Url, """{"partner_id":"10001","brand":"SHOP","handling":"29"}""", ("username", "pe-user"), ("password", "pe-secret"));

    public async Task SettingsAsync(string? addressFrom = null, params CarrierRule[] rules) =>
        await DoAsync(tx => ShippingSettings.DecideAsync(Code, new ShippingSettingsBody { Sender = Sender, AddressFrom = addressFrom, Rules = rules }, tx));

    // ---- work

    public async Task<T> DoAsync<T>(Func<LaneTransaction, ValueTask<Outcome<T>>> decide)
    {
        var outcome = await Test.RunAsync(Site, decide);
        await Test.DrainAsync();
        Assert.True(outcome.IsOk, outcome.Refusal?.Detail);
        return outcome.Value;
    }

    public Task<Outcome<T>> TryAsync<T>(Func<LaneTransaction, ValueTask<Outcome<T>>> decide) => Test.RunAsync(Site, decide);

    /// <summary>An order, picked and packed; answers its packing task.</summary>
    public async Task<(Guid Order, Guid Packing)> PackedAsync(AddressDetails? to = null, int packages = 1, bool withAddress = true)
    {
        var external = $"o-{++_orders}";
        var order = Guid.Parse((await Hub.PlaceAsync(Hub.Order(external, [("S", 2)], b => b with
        {
            Customer = withAddress ? new CustomerDetails("Ana Anić", "ana@example.com", "064 123 4567") : null, ShipTo = withAddress ? to ?? Belgrade : null,
        }).Value)).Value.Id);
        await Test.DrainAsync();
        var picking = await Test.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM picking_tasks WHERE order_id = @order", new { order }));
        await DoAsync(tx => AssignPicking.DecideAsync(Code, picking, "ana", tx));
        await DoAsync(tx => StartPicking.DecideAsync(Code, picking, tx));
        await DoAsync(tx => PickItem.DecideAsync(Code, picking, 1, new PickItemBody { Quantity = 2 }, tx));
        await DoAsync(tx => CompletePicking.DecideAsync(Code, picking, tx));
        var packing = await Test.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM packing_tasks WHERE order_id = @order", new { order }));
        await DoAsync(tx => StartPacking.DecideAsync(Code, packing, "ben", tx));
        for (var i = 0; i < packages; i++) await DoAsync(tx => AddPackage.DecideAsync(Code, packing, FulfillmentSite.Box(), tx));
        await DoAsync(tx => CompletePacking.DecideAsync(Code, packing, tx));
        return (order, packing);
    }

    public async Task<BookingView> BookAsync(Guid packing, string? carrier = null, bool? ship = null)
    {
        await TryBookAsync(packing, carrier, ship);
        await SettleAsync();
        return await BookingAsync(packing);
    }

    /// <summary>Writes down what is wanted, and nothing more happens yet.</summary>
    public async Task<Outcome<BookingView>> TryBookAsync(Guid packing, string? carrier = null, bool? ship = null)
    {
        var booked = await TryAsync(tx => BookPacking.DecideAsync(Code, packing, new BookPackingBody { Carrier = carrier, Ship = ship }, tx));
        Assert.True(booked.IsOk || carrier is not null, booked.Refusal?.Detail);
        return booked;
    }

    public async Task<BookingView> BookingAsync(Guid packing) => (await Test.Database.ReadAsync(async s => (await s.QueryAsync<BookingRow>(
        $"SELECT {BookingRow.Columns} FROM carrier_bookings WHERE packing_task_id = @packing ORDER BY id DESC LIMIT 1", new { packing }))[0])).View;

    public Task<Outcome<Shipment>> ShipAsync(Guid packing, string carrier, string? tracking = null) =>
        TryAsync(tx => ShipPacking.DecideAsync(Code, packing, new ShipPackingBody { Carrier = carrier, TrackingNumber = tracking }, tx));

    public async Task<CarrierView> CarrierAsync(string name) => (await Test.Database.ReadAsync(s => SaveCarrier.ViewAsync(s, Code, name, Test.Node.Secrets))).Value;

    /// <summary>Runs everything until nothing is due.</summary>
    public async Task SettleAsync() => await SettleAsync(Test, Pump);

    public static async Task SettleAsync(TestNode node, CarrierPump pump)
    {
        do
        {
            await node.DrainAsync();
            await node.PumpUntilAsync(Ended(pump.WhenIdleAsync()));
        }
        while (await node.StepAsync() || !pump.WhenIdleAsync().IsCompleted); // a round may have begun while another was waited for
    }

    /// <summary>Lets time pass in steps, with everything that becomes due on the way.</summary>
    public async Task PassAsync(TimeSpan time, TimeSpan? step = null)
    {
        var by = step ?? TimeSpan.FromSeconds(20);
        await SettleAsync(); // a call that is under way would time out
        for (var passed = TimeSpan.Zero; passed < time; passed += by)
        {
            Time.Advance(by);
            await SettleAsync();
        }
    }

    public static async Task<bool> Ended(Task task)
    {
        await task;
        return true;
    }

    public async Task<string> StatusAsync(Guid order) => SnakeCaseEnum<OrderStatus>.Text((await Hub.ReadAsync(order.ToString())).Status);

    /// <summary>The types of the carriers' events about an order.</summary>
    public async Task<string> StoryAsync(Guid order) => string.Join(' ', (await Test.Lanes.ReadAsync(Site, 0, 10_000))
        .Where(e => e.OrderId == order && (e.Type.StartsWith("booking.", StringComparison.Ordinal) || e.Type is "parcel.moved" or "part.shipped" or "part.delivered")).Select(e => e.Type));

    public async ValueTask DisposeAsync() => await Hub.DisposeAsync();
}
