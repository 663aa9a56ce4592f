using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Shipping;
using Stowline.Site.Shipping.Carriers;
using Stowline.Tests.Support;

namespace Stowline.Tests.Carriers;

/// Goal: each profile speaks as its carrier's public documentation says. Method: doubles that check every field of every request; EasyPost's recorded answers.
[Trait("Needs", "server")]
public sealed class CarrierProfileTests
{
    private static readonly object[][] Ways =
    [
        ["yun", 2, "create label picture", "3", true], ["open", 2, "token create label picture", "D", true], ["post", 2, "create", "/UR/Уручено", false], ["bex", 2, "create label", "5", true],
        ["acs", 2, "create label", "1/0//4", true], ["ep", 1, "create picture", "delivered", true],
    ];

    public static IEnumerable<object[]> Journeys() => new EveryDatabaseAttribute().GetData(null!).SelectMany(store => Ways.Select(way => (object[])[store[0], .. way]));

    /// <summary>What each carrier is taken through: bought, labelled, shipped, delivered; or given back.</summary>
    [Theory, MemberData(nameof(Journeys))]
    public async Task A_parcel_goes_all_the_way(string store, string carrier, int packages, string bought, string delivered, bool canCancel)
    {
        await using var at = await (carrier switch { "yun" => new YunDouble(), "open" => new YunOpenDouble(), "post" => new PostExpressDouble(), "bex" => new BexDouble(), "ep" => new EasyPostDouble(), _ => (LocalCarrier)new AcsDouble() }).OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await (carrier switch { "yun" => node.YunAsync(at), "open" => node.OpenAsync(at), "post" => node.PostAsync(at), "bex" => node.BexAsync(at), "ep" => node.EasyPostAsync(at), _ => node.AcsAsync(at) });
        var to = carrier == "acs" ? CarrierNode.Athens : CarrierNode.Belgrade;
        var (order, packing) = await node.PackedAsync(to, packages);
        var booking = await node.BookAsync(packing, carrier, ship: true);
        Assert.Equal((BookingStatus.Booked, at.Parcels[0].Number, bought), (booking.Status, booking.TrackingNumber, at.Log));
        Assert.Equal("shipped", await node.StatusAsync(order));
        at.Parcels[0].State = delivered;
        await node.PassAsync(TimeSpan.FromMinutes(80), TimeSpan.FromMinutes(20));
        // Post Express follows each package; the double has told of one of two.
        Assert.Equal(carrier == "post" ? "shipped" : "delivered", await node.StatusAsync(order));
        Assert.NotEmpty(await node.Test.Database.ReadAsync(s => Bookings.ScansAsync(s, booking.Id)));

        var (_, second) = await node.PackedAsync(to);
        var given = await node.BookAsync(second, carrier);
        await node.DoAsync(tx => ChangeBooking.CancelAsync(CarrierNode.Code, given.Id, new CancelBookingBody { Reason = "no more" }, tx));
        await node.SettleAsync();
        var gone = await node.BookingAsync(second);
        Assert.Equal((BookingStatus.Cancelled, canCancel), (gone.Status, at.Parcels[1].Cancelled));
        Assert.Equal(canCancel, gone.Error is null); // else it says that somebody must cancel it there
        Assert.Empty(at.Wrong);
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task D_Express_gets_codes_from_its_range_and_reports_by_itself(string store)
    {
        await using var dx = await new DExpressDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.DExpressAsync(dx);
        var (order, packing) = await node.PackedAsync(packages: 2);
        dx.Troubles.Enqueue(Trouble.CutAfter); // its answer is lost: the same reference with the same codes is sent again
        await node.BookAsync(packing, "dx", ship: true);
        await node.PassAsync(TimeSpan.FromMinutes(1));
        var booking = await node.BookingAsync(packing);
        Assert.Equal(("TT0000000001", 1, "create create"), (booking.TrackingNumber, dx.Parcels.Count, dx.Log));
        Assert.Equal(["TT0000000001", "TT0000000002"], booking.Numbers);
        var zpl = (await node.Test.Database.ReadAsync(s => Labels.RenderAsync(s, CarrierNode.Code, packing))).Value;
        Assert.Contains("^FDTT0000000001^FS", zpl); // each package carries its own
        Assert.Contains("^FDTT0000000002^FS", zpl);

        Assert.Equal((1, 1), await ReportAsync(node, Message(booking, "TT0000000001", "1", "101", "20260105100000")));
        Assert.Equal((1, 0), await ReportAsync(node, Message(booking, "TT0000000001", "1", "101", "20260105100000"))); // the same event again
        Assert.Equal("shipped", await node.StatusAsync(order)); // one of two has arrived
        Assert.Equal((1, 1), await ReportAsync(node, Message(booking, "TT0000000002", "4", "102", "20260105090000")));
        Assert.Equal((1, 1), await ReportAsync(node, Message(booking, "TT0000000002", "130", "103", "20260105120000")));
        Assert.Equal((1, 1), await ReportAsync(node, Message(booking, "TT0000000002", "4", "104", "20260105110000"))); // late, and not later
        Assert.Equal((1, 0), await ReportAsync(node, Message(booking with { Reference = "somebody-else" }, "TT0000009999", "1", "105", "20260105110000")));
        Assert.Equal("delivered", await node.StatusAsync(order));
        var shipment = await node.Test.Database.ReadAsync(async s => (await Shipments.FindByTaskAsync(s, packing))!);
        Assert.Equal(DateTimeOffset.Parse("2026-01-05T11:00:00Z"), shipment.DeliveredAt); // noon in Belgrade
        Assert.Empty(dx.Wrong);

        var (_, nowhere) = await node.PackedAsync(CarrierNode.Belgrade with { PostalCode = "99999" });
        Assert.Equal("settings.towns has no entry for to.postal_code '99999'", (await node.BookAsync(nowhere, "dx")).Error);

        // The range ends: nothing is sent with a number that is not ours.
        await node.CarrierAsync("dx", "d_express", dx.Url, """{"client_id":"UK16967","towns":{"11000":791032,"21000":703869},"number_prefix":"TT","number_first":1,"number_last":3}""");
        var (_, next) = await node.PackedAsync(packages: 2);
        Assert.Contains("range of numbers is used up", (await node.BookAsync(next, "dx")).Error);
        await node.Test.VerifyAsync();
    }

    /// <summary>Goal: after a lost answer a parcel goes to nobody else, whatever the carrier says of the repetition. Method: it is away, then takes or refuses it; another carrier stands by.</summary>
    [Theory, EveryDatabase]
    public async Task What_may_have_been_bought_is_repeated_there_and_bought_nowhere_else(string store)
    {
        await using var dx = await new DExpressDouble().OpenAsync();
        await using var bex = (BexDouble)await new BexDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.DExpressAsync(dx);
        await node.BexAsync(bex);
        await node.SettingsAsync(null, new CarrierRule { Carriers = ["dx", "bex"] });
        dx.Troubles.Enqueue(Trouble.CutAfter);
        for (var i = 0; i < 6; i++) dx.Troubles.Enqueue(Trouble.Forbidden); // it is left alone, as one that does not answer
        var (_, packing) = await node.PackedAsync();
        await node.BookAsync(packing);
        await node.PassAsync(TimeSpan.FromMinutes(120), TimeSpan.FromMinutes(5));
        var booking = await node.BookingAsync(packing);
        Assert.Equal(("dx", BookingStatus.Booked, 1), (booking.Carrier, booking.Status, dx.Parcels.Count));

        dx.Troubles.Enqueue(Trouble.CutAfter);
        dx.Troubles.Enqueue(Trouble.Refused);
        var (_, other) = await node.PackedAsync();
        await node.BookAsync(other);
        await node.PassAsync(TimeSpan.FromMinutes(1));
        booking = await node.BookingAsync(other);
        Assert.Equal(("dx", BookingStatus.Unsure), (booking.Carrier, booking.Status));
        Assert.Contains("refuses the repetition", booking.Error);
        Assert.Empty(bex.Parcels);
        await node.Test.VerifyAsync();
    }

    private static JsonObject Message(BookingView booking, string code, string status, string id, string at) =>
        new() { ["cc"] = "dx-passcode", ["nID"] = id, ["code"] = code, ["rID"] = booking.Reference, ["sID"] = status, ["dt"] = at };

    private static async Task<(int Reports, int Fresh)> ReportAsync(CarrierNode node, JsonNode message)
    {
        var account = await AccountAsync(node, "dx");
        Assert.True(CarrierWebhook.IsSigned(account, account.Profile.Webhook!, new HeaderDictionary(), [], message));
        var taken = await node.DoAsync(tx => CarrierWebhook.DecideAsync(tx, account, account.Profile.Webhook!, message));
        return (taken.Reports, taken.Fresh);
    }

    private static async Task<CarrierAccount> AccountAsync(CarrierNode node, string carrier) =>
        await node.Test.Database.ReadAsync(async s => (await CarrierRows.AccountAsync(s, (await CarrierRows.FindAsync(s, CarrierNode.Code, carrier))!, node.Test.Node.Secrets)).Account!);

    [Fact]
    public async Task Signatures_are_checked_and_a_secret_that_is_not_set_lets_nobody_in()
    {
        await using var node = await CarrierNode.StartAsync("sqlite");
        await node.CarrierAsync("ep", "easypost", "https://example.com", """{"carrier_account":"ca_1"}""", ("api_key", "key"), ("webhook_secret", "hook-secret"));
        var account = await AccountAsync(node, "ep");
        var hook = account.Profile.Webhook!;
        var body = """{"description":"tracker.updated","result":{"tracking_code":"EZ1"}}"""u8.ToArray();
        var right = "hmac-sha256-hex=" + Convert.ToHexStringLower(HMACSHA256.HashData("hook-secret"u8, body));
        bool Signed(string header, byte[] given) => CarrierWebhook.IsSigned(account, hook, new HeaderDictionary { ["X-Hmac-Signature"] = header }, given, JsonNode.Parse(given)!);
        Assert.True(Signed(right, body));
        Assert.False(Signed(right, """{"description":"tracker.updated"}"""u8.ToArray()));
        Assert.False(Signed("", body));
        Assert.False(CarrierWebhook.IsSigned(account with { Secrets = new Dictionary<string, string>() }, hook, new HeaderDictionary { ["X-Hmac-Signature"] = right }, body, JsonNode.Parse(body)!));
    }

    /// Goal: the answers that EasyPost recorded are read right. Method: the files themselves.
    [Fact]
    public void Recorded_EasyPost_answers_are_understood()
    {
        var profile = Profiles.BuiltIn["easypost"];
        if (EasyPost("shipments/shipments-one-call-buy.json") is not { } bought) return; // the shared data is not on this machine
        Assert.True(JsonWords.Holds(bought, profile.Create!.Ok));
        Assert.Equal(["9405500208303109884175", "shp_1736175022204d50a30e71b0896d3574", "11.01", "USD"],
            new[] { "tracking_number", "carrier_ref", "price", "currency" }.Select(w => JsonWords.Read(bought, profile.Create.Read[w])));
        Assert.StartsWith("https://easypost-files", JsonWords.Read(bought, profile.Create.Read["label_url"]), StringComparison.Ordinal);
        var account = new CarrierAccount("WH1", "ep", profile, "https://x", [], new Dictionary<string, string>());
        var scans = Tracking.Read(account, EasyPost("trackers/trackers-list.json"), profile.Track!.Items, profile.Track.Read);
        var rates = (JsonArray)JsonWords.Find(EasyPost("rates/rates-retrieve-stateless.json"), profile.Rate!.Items!)!;
        Assert.Equal(["GroundAdvantage", "USPS", "8.20", "USD"], new[] { "service", "name", "price", "currency" }.Select(w => JsonWords.Read(rates[0], profile.Rate.Read[w])));
        Assert.False(JsonWords.Holds(EasyPost("shipments/shipments-retrieve.json"), profile.Find!.Ok)); // made, and not bought
        Assert.Equal([(ParcelStatus.Announced, "2025-04-09T20:40:17.0000000+00:00"), (ParcelStatus.Announced, "2025-04-10T09:17:17.0000000+00:00")], scans.Select(s => (s.Status, s.At!.Value.ToString("o"))));
    }

    private static JsonNode? EasyPost(string file)
    {
        var folder = House.Repository.Find();
        for (var i = 0; i < 3; i++, folder = Path.GetDirectoryName(folder)!)
            if (Path.Combine(folder, "shared", "data", "api", "easypost", "official", "docs", "responses", file) is var path && File.Exists(path)) return JsonNode.Parse(File.ReadAllText(path));
        return null;
    }

    [Fact]
    public void Templates_keep_types_leave_out_what_is_empty_and_name_what_is_missing()
    {
        var values = (JsonObject)JsonNode.Parse("""{"weight_g":1500,"to":{"name":"Ana","city":null,"phone":"+381 64/123"},"settings":{"towns":{"11000":791032}},"packages":[{"code":"A"},{"code":"B"}]}""")!;
        string Fill(string template) => Template.Fill(JsonNode.Parse(template), values)!.ToJsonString();
        Assert.Equal("""{"a":1500,"b":"1500 g","c":null,"d":"38164123","e":"Fallback","f":2,"g":true}""",
            Fill("""{"a":"{weight_g}","b":"{weight_g} g","c":"{to.city}","d":"{to.phone|digits}","e":"{to.city|or:Fallback}","f":"{to.city|or:2}","g":true}"""));
        Assert.Equal("""{"name":"An"}""", Fill("""{"name?":"{to.name|max:2}","city?":"{to.city}"}"""));
        Assert.Equal("""[{"c":"A","w":1500},{"c":"B","w":1500}]""", Fill("""{"$each":"packages","item":{"c":"{item.code}","w":"{weight_g}"}}"""));
        Assert.Equal("""{"s":"{\u0022a\u0022:[\u0022A\u0022,\u0022B\u0022]}"}""", Fill("""{"s":{"$json":{"a":{"$each":"packages","item":"{item.code}"}}}}"""));
        Assert.Equal("to.city is missing", Assert.Throws<TemplateException>(() => Fill("""{"x":"{to.city|required}"}""")).Message);
        Assert.Equal("settings.towns has no entry for to.name 'Ana'", Assert.Throws<TemplateException>(() => Fill("""{"x":"{to.name|map:settings.towns}"}""")).Message);
        Assert.Equal("/a/Ana%20%26/x", Template.Text("/a/{to.name}%20%26/x", values, Uri.EscapeDataString));
    }

    [Theory]
    [InlineData("a.b[1].c", "2")]
    [InlineData("a.b[-1].c", "3")]
    [InlineData("a.b[*].c", "[1,2,3]")]
    [InlineData("inner@.x[0]", "deep")]
    [InlineData("a.missing.c", "")]
    [InlineData("a.b[9]", "")]
    [InlineData("inner@@.x", "")]
    public void Paths_find_what_they_name(string path, string found) =>
        Assert.Equal(found, JsonWords.Text(JsonNode.Parse("""{"a":{"b":[{"c":1},{"c":2},{"c":3}]},"inner":"{\"x\":[\"deep\"]}"}"""), path));

    [Theory]
    [InlineData("""{"name":"x","create":{"path":"/p","body":{"a":"{nosuch.thing}"},"read":{"tracking_number":"n"}}}""", "definition.create.body.a")]
    [InlineData("""{"name":"x","create":{"path":"/p","read":{}}}""", "definition.create.read.tracking_number")]
    [InlineData("""{"name":"x","after_loss":"find"}""", "definition.find")]
    [InlineData("""{"name":"x","after_loss":"maybe"}""", "definition.after_loss")]
    [InlineData("""{"name":"x","statuses":{"1":"arrived"}}""", "definition.statuses.1")]
    [InlineData("""{"name":"x","creat":{}}""", "definition.creat")]
    [InlineData("""{"name":"x","time_zone":"Mars/Base"}""", "definition.time_zone")]
    [InlineData("""{"name":"x","rate":{"path":"/p","first":{"path":"/q","body":"{nosuch.word}"}}}""", "definition.rate.first.body")]
    [InlineData("""{"name":"x","rate":{"path":"/p","first":{"path":"/q","first":{"path":"/r"}}}}""", "definition.rate.first.first")]
    [InlineData("""{"name":"x","token":{"path":"/t"}}""", "definition.token.read.token")]
    [InlineData("""{"name":"x","manifest":{"path":"/t"}}""", "definition.manifest.read.number")]
    [InlineData("""{"name":"x","sign":{"header":"s","key":"k","text":"{body}{now_ms}","text_without_body":"{nobody}"}}""", "definition.sign.text_without_body")]
    [InlineData("""{"name":"x","create":{"path":"/p","body":"{method}","read":{"tracking_number":"n"}}}""", "definition.create.body")]
    [InlineData("""{"name":"x","create":{"path":"/{to.name|shout}","read":{"tracking_number":"n"}}}""", "definition.create.path")]
    public void A_wrong_profile_is_refused_by_the_name_of_what_is_wrong(string json, string field) => Assert.Equal([field], Profiles.Parse(json).Refusal!.Errors!.Keys);

    [Theory]
    [InlineData("Knez Mihailova 10/7", "Knez Mihailova", "10/7")]
    [InlineData("Bulevar kralja Aleksandra bb", "Bulevar kralja Aleksandra", "bb")]
    [InlineData("27. marta 12a", "27. marta", "12a")]
    [InlineData("Trg Republike", "Trg Republike", "")]
    [InlineData("Slavija", "Slavija", "")]
    public void A_house_number_is_split_off(string line, string street, string number) => Assert.Equal((street, number), ParcelValues.SplitStreet(line));

    [Theory]
    [InlineData("064 123 4567", "RS", "381641234567")]
    [InlineData("+381 64 123 4567", "RS", "381641234567")]
    [InlineData("00381641234567", "GR", "381641234567")]
    [InlineData("2101234567", "GR", "2101234567")]
    public void Phones_become_international(string phone, string country, string right) => Assert.Equal(right, ParcelValues.International(phone, country));

    [Fact]
    public async Task Prices_of_carriers_are_asked_and_sorted()
    {
        await using var yun = await new YunDouble().OpenAsync();
        await using var post = await new PostExpressDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync("sqlite");
        var account = await AccountOfAsync(node, () => node.YunAsync(yun), "yun");
        var other = await AccountOfAsync(node, () => node.PostAsync(post), "post");
        using var client = new CarrierClient(node.Module.Target, node.Time, node.Test.Lanes.Meter.Get<CarrierMetrics>());
        var values = (JsonObject)JsonNode.Parse("""{"to":{"country":"rs","postal_code":"11000"},"from":{"postal_code":"21000"},"weight_kg":0.5,"weight_g":500,"length_cm":30,"width_cm":20,"height_cm":10,"booking_id":"0199aa00-0000-7000-8000-000000000000"}""")!;
        var rates = await Rates.AskAsync(client, account, values, default);
        Assert.Equal([("FAST", new Money(88.5m, "CNY")), ("SLOW", new Money(31.07m, "CNY"))], rates.Select(r => (r.Service!, r.Price!.Value)));
        Assert.Equal(new Money(415m, "RSD"), Assert.Single(await Rates.AskAsync(client, other, values, default)).Price); // para, a hundred to the dinar
        Assert.Empty(post.Wrong);
    }

    private static async Task<CarrierAccount> AccountOfAsync(CarrierNode node, Func<Task<CarrierView>> save, string name)
    {
        await save();
        return await AccountAsync(node, name);
    }

    [Theory]
    [InlineData("https://carrier.example", null)]
    [InlineData("http://carrier.example", "url")]
    [InlineData("https://127.0.0.1:8443", "url")]
    [InlineData("https://169.254.169.254/latest", "url")]
    public async Task Carriers_are_not_called_in_the_own_network(string url, string? field)
    {
        await using var node = await CarrierNode.StartAsync("sqlite");
        node.Module.Target.AllowPrivate = false;
        var saved = await node.TryCarrierAsync("bex", new CarrierBody { Profile = "bex", Url = url, Settings = JsonDocument.Parse("""{"client_id":"1"}""").RootElement, Secrets = new Dictionary<string, string?> { ["token"] = "t" } });
        Assert.Equal(field, saved.Refusal?.Errors?.Keys.Single());
    }
}
