using System.Net;
using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Access;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Shipping;
using Stowline.Site.Shipping.Carriers;
using Stowline.Tests.Link;
using Stowline.Tests.Server;
using Stowline.Tests.Support;

namespace Stowline.Tests.Carriers;

/// Goal: carriers work where the site works: at its own node, over HTTP, behind keys. Method: two nodes with a link; a real server.
[Trait("Needs", "server")]
public sealed class CarrierPlacesTests
{
    [Fact]
    public async Task A_site_with_its_own_node_buys_while_cut_off_and_the_hub_hears_of_the_delivery()
    {
        await using var yun = await new YunDouble().OpenAsync();
        await using var nodes = await TwoNodes.StartAsync("sqlite");
        var module = nodes.Site.Node.Modules.OfType<CarrierModule>().Single();
        var pump = nodes.Site.Node.Pumps.OfType<CarrierPump>().Single();
        module.Target.AllowPrivate = true;
        nodes.Site.Node.Secrets = SecretBox.Of(new byte[32]);
        var lane = Lane.Site(TwoNodes.Code);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 10);
        await nodes.DrainAsync();
        var order = (await nodes.OrderAsync("1", "A", 2, b => b with { Customer = new CustomerDetails("Ana Anić", "ana@example.com", null), ShipTo = CarrierNode.Belgrade })).Value;
        await nodes.DrainAsync();
        var body = new CarrierBody { Profile = "yun_express", Url = yun.Url, Settings = JsonDocument.Parse("""{"method":"X"}""").RootElement, Secrets = new Dictionary<string, string?> { ["customer_code"] = "C1", ["api_secret"] = "yun-secret" } };
        Assert.True((await nodes.Site.RunAsync(lane, tx => SaveCarrier.DecideAsync(TwoNodes.Code, "yun", body, module, tx))).IsOk);
        var settings = new ShippingSettingsBody { Sender = CarrierNode.Sender, Rules = [new CarrierRule { Carriers = ["yun"], Automatic = true, Ship = true }] };
        Assert.True((await nodes.Site.RunAsync(lane, tx => ShippingSettings.DecideAsync(TwoNodes.Code, settings, tx))).IsOk);
        nodes.Cut();
        Assert.True(await nodes.WorkAsync());
        await PackAsync(nodes, lane);
        await CarrierNode.SettleAsync(nodes.Site, pump);
        Assert.Equal("create label picture", yun.Log);
        yun.Parcels[0].State = "3";
        nodes.Time.Advance(TimeSpan.FromHours(1));
        await CarrierNode.SettleAsync(nodes.Site, pump);
        Assert.NotEqual(OrderStatus.Delivered, (await nodes.Hub.ReadAsync(order.Id)).Status);
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal(OrderStatus.Delivered, (await nodes.Hub.ReadAsync(order.Id)).Status);
        Assert.Equal("site_is_remote", (await nodes.HubTest.RunAsync(lane, tx => SaveCarrier.DecideAsync(TwoNodes.Code, "yun", body, module, tx))).Refusal!.Code);

        // The hub erases the person: what the carrier's label says of them goes at the site too.
        var person = await nodes.HubTest.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT person_id FROM orders"));
        await nodes.HubTest.RunAsync<Done>(Lane.Hub, async tx =>
        {
            tx.Append(Lane.HubAll, new PersonErased(person, await Personal.EraseAsync(tx, person)), "person/" + person);
            return new Done();
        });
        await nodes.DrainAsync();
        Assert.Equal(1, await nodes.Site.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT COUNT(*) FROM carrier_bookings WHERE label IS NULL AND address IS NULL")));
        await nodes.CompareAsync();
    }

    [Fact]
    public async Task The_hub_hears_which_carriers_of_a_site_are_away_and_which_parcels_wait_for_somebody()
    {
        await using var nodes = await TwoNodes.StartAsync("sqlite");
        var lane = Lane.Site(TwoNodes.Code);
        nodes.Connect();
        await nodes.DrainAsync();
        async Task SayAsync(params object[] told)
        {
            await nodes.Site.RunAsync<Done>(lane, tx =>
            {
                foreach (var e in told)
                {
                    if (e is CarrierUnavailable u) tx.Append(lane, u, "carrier/yun");
                    else if (e is CarrierRecovered r) tx.Append(lane, r, "carrier/yun");
                    else if (e is BookingFailed f) tx.Append(lane, f, "booking");
                    else if (e is BookingRequested q) tx.Append(lane, q, "booking");
                }
                return ValueTask.FromResult<Outcome<Done>>(new Done());
            });
            await nodes.DrainAsync();
        }
        var (one, two) = (Guid.NewGuid(), Guid.NewGuid());
        await SayAsync(new CarrierUnavailable("yun", 5, nodes.Time.GetUtcNow()), new BookingFailed(one, 1, Guid.NewGuid(), 1, "yun", "unsure"), new BookingFailed(two, 2, Guid.NewGuid(), 1, "yun", "refused"));
        var silent = Assert.Single(await nodes.HubTest.Database.ReadAsync(Bookings.UnavailableAsync));
        Assert.Equal((TwoNodes.Code, "yun", nodes.Time.GetUtcNow()), (silent.Site, silent.Carrier, silent.Since));
        Assert.Equal([(TwoNodes.Code, BookingStatus.Unsure, 1L), (TwoNodes.Code, BookingStatus.Failed, 1L)], await nodes.HubTest.Database.ReadAsync(Bookings.WaitingAsync));

        await SayAsync(new CarrierRecovered("yun"), new BookingRequested(two, 2, Guid.NewGuid(), 1, Guid.NewGuid(), "ST2", ["yun"]));
        Assert.Empty(await nodes.HubTest.Database.ReadAsync(Bookings.UnavailableAsync));
        Assert.Equal([(TwoNodes.Code, BookingStatus.Unsure, 1L)], await nodes.HubTest.Database.ReadAsync(Bookings.WaitingAsync));
        Assert.Empty(await nodes.Site.Database.ReadAsync(Bookings.UnavailableAsync)); // the site has looked itself, at its own carriers
    }

    private static async Task PackAsync(TwoNodes nodes, Lane lane)
    {
        var packing = await nodes.Site.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM packing_tasks WHERE status = 1"));
        await nodes.Site.RunAsync(lane, tx => Stowline.Site.Fulfillment.StartPacking.DecideAsync(TwoNodes.Code, packing, "ben", tx));
        await nodes.Site.RunAsync(lane, tx => Stowline.Site.Fulfillment.AddPackage.DecideAsync(TwoNodes.Code, packing, Site.FulfillmentSite.Box(), tx));
        await nodes.Site.RunAsync(lane, tx => Stowline.Site.Fulfillment.CompletePacking.DecideAsync(TwoNodes.Code, packing, tx));
    }

    [Fact]
    public async Task Over_HTTP_carriers_are_set_up_by_admins_and_report_without_a_key()
    {
        await using var node = await ServerNode.StartAsync(auth: "keys");
        var admin = await KeyAsync(node, "boss", KeyScope.Admin);
        var tasks = await KeyAsync(node, "ben", KeyScope.Tasks, KeyScope.Stock);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(node, admin, "PUT", "/api/v1/sites/WH1", """{"name":"One","type":"warehouse"}""")).StatusCode);
        const string dx = """{"profile":"d_express","settings":{"client_id":"UK16967","towns":{"11000":791032},"number_prefix":"TT","number_first":1,"number_last":99},"secrets":{"username":"u","password":"p-secret","passcode":"word"}}""";
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(node, tasks, "PUT", "/api/v1/sites/WH1/carriers/dx", dx)).StatusCode);
        var saved = await SendAsync(node, admin, "PUT", "/api/v1/sites/WH1/carriers/dx", dx);
        Assert.Equal(HttpStatusCode.OK, saved.StatusCode);
        var path = JsonDocument.Parse(await saved.Content.ReadAsStringAsync()).RootElement.GetProperty("webhook_path").GetString()!;
        var seen = await (await SendAsync(node, tasks, "GET", "/api/v1/sites/WH1/carriers/dx")).Content.ReadAsStringAsync();
        Assert.DoesNotContain("p-secret", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("webhook_path", seen, StringComparison.Ordinal);
        var wrong = await SendAsync(node, admin, "PUT", "/api/v1/sites/WH1/carriers/dx", """{"profile":"d_express","settings":{}}""");
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Contains("settings.towns", await wrong.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        // The carrier has no key, but its address and its word; both ways that D Express calls.
        const string report = "cc=word&nID=1&code=TT0000000001&rID=ST1&sID=1&dt=20260105100000";
        var heard = await node.SendAsync("PUT", $"{path}?{report}");
        Assert.Equal((HttpStatusCode.OK, "OK"), (heard.StatusCode, await heard.Content.ReadAsStringAsync())); // anything else it takes for a failure
        Assert.Equal(HttpStatusCode.OK, (await node.SendAsync("POST", path, """{"cc":"word","nID":"2","code":"TT0000000001","rID":"ST1","sID":"1","dt":"20260105100000"}""")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await node.SendAsync("POST", path, """{"cc":"guess","nID":"3","code":"TT0000000001","rID":"ST1","sID":"1","dt":"20260105100000"}""")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await node.SendAsync("POST", path, "{nonsense")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await node.SendAsync("POST", path[..^1] + "x", "{}")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await node.SendAsync("GET", "/api/v1/carrier-bookings")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(node, tasks, "GET", "/api/v1/carrier-bookings?site=WH1&status=booked")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(node, tasks, "GET", "/api/v1/carrier-bookings/17/tracking")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(node, tasks, "POST", "/api/v1/packing-tasks/17/book")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(node, admin, "DELETE", "/api/v1/sites/WH1/carriers/dx")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(node, admin, "GET", "/api/v1/sites/WH1/carriers/dx")).StatusCode);
    }

    [Fact]
    public async Task Over_HTTP_whoever_packs_closes_the_day()
    {
        await using var acs = await new AcsDouble().OpenAsync();
        await using var node = await ServerNode.StartAsync(auth: "keys", configure: c => c with { CarriersAllowPrivate = true });
        var admin = await KeyAsync(node, "boss", KeyScope.Admin);
        var tasks = await KeyAsync(node, "ben", KeyScope.Tasks);
        var reader = await KeyAsync(node, "eve", KeyScope.Read);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(node, admin, "PUT", "/api/v1/sites/WH1", """{"name":"One","type":"warehouse"}""")).StatusCode);
        var saved = await SendAsync(node, admin, "PUT", "/api/v1/sites/WH1/carriers/acs", $$$"""
            {"profile":"acs","url":"{{{acs.Url}}}","settings":{"company_id":"co","user_id":"us","billing_code":"2ΑΚ1"},"secrets":{"api_key":"acs-key","company_password":"acs-company","user_password":"acs-user"} }
            """);
        Assert.Equal(HttpStatusCode.OK, saved.StatusCode);
        const string path = "/api/v1/sites/WH1/carrier-manifests";
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(node, reader, "POST", path, """{"carrier":"acs"}""")).StatusCode);
        var issued = await SendAsync(node, tasks, "POST", path, """{"carrier":"acs","date":"2026-01-05"}""");
        Assert.Equal((HttpStatusCode.Created, "/api/v1/sites/WH1/carrier-manifests/7227889830?carrier=acs&date=2026-01-05"), (issued.StatusCode, issued.Headers.Location?.ToString()));
        var list = JsonDocument.Parse(await (await SendAsync(node, reader, "GET", path + "?carrier=acs&date=2026-01-05")).Content.ReadAsStringAsync()).RootElement.GetProperty("items");
        Assert.Equal(("7227889830", 0, "2026-01-05T15:30:00.500Z"), (list[0].GetProperty("number").GetString(), list[0].GetProperty("parcels").GetInt32(), list[0].GetProperty("issued_at").GetDateTimeOffset().ToString("yyyy-MM-ddTHH:mm:ss.fffZ")));
        var paper = await SendAsync(node, reader, "GET", issued.Headers.Location!.ToString());
        Assert.Equal(("application/pdf", "%PDF-1.4 list"), (paper.Content.Headers.ContentType?.MediaType, await paper.Content.ReadAsStringAsync()));
        foreach (var (call, status, code) in new[]
                 {
                     (path + "/17?carrier=acs&date=2026-01-05", HttpStatusCode.NotFound, "manifest_not_found"), (path + "?carrier=nobody", HttpStatusCode.NotFound, "carrier_not_found"),
                     (path + "?carrier=acs&date=5.1.2026", HttpStatusCode.BadRequest, "invalid_request"), ("/api/v1/sites/WH9/carrier-manifests?carrier=acs", HttpStatusCode.NotFound, "site_not_found"),
                 })
        {
            var answer = await SendAsync(node, reader, "GET", call);
            Assert.Equal((status, code), (answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("code").GetString()));
        }
        Assert.Empty(acs.Wrong);
    }

    private static async Task<string> KeyAsync(ServerNode node, string name, params KeyScope[] scopes)
    {
        var ring = node.Node.Modules.OfType<AccessModule>().Single().Ring;
        var draft = KeyCommands.Prepare(new KeyBody(name, scopes, null, null)).Value;
        return (await node.Node.Lanes.ExecuteAsync(Lane.Hub, new Caller("test"), tx => KeyCommands.CreateAsync(draft, ring, tx))).Value.Key;
    }

    private static Task<HttpResponseMessage> SendAsync(ServerNode node, string key, string method, string path, string? body = null) =>
        node.SendAsync(method, path, body, headers: ("Authorization", "Bearer " + key));
}
