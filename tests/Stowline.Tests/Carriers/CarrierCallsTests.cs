using System.Text.Json.Nodes;
using Stowline.Kernel;
using Stowline.Site.Shipping.Carriers;
using Stowline.Tests.Support;

namespace Stowline.Tests.Carriers;

/// Goal: what carriers want beside plain calls works as their papers say: questions first, tokens and signatures, lists that close the day, errors inside answers of success. Method: doubles that check it.
[Trait("Needs", "server")]
public sealed class CarrierCallsTests
{
    [Theory, EveryDatabase]
    public async Task After_a_lost_answer_EasyPost_is_asked_for_our_reference(string store)
    {
        await using var ep = await new EasyPostDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.EasyPostAsync(ep);
        async Task<BookingView> TryAsync(Trouble trouble, Action? meanwhile = null)
        {
            ep.Troubles.Enqueue(trouble);
            var (_, packing) = await node.PackedAsync();
            await node.BookAsync(packing, "ep");
            meanwhile?.Invoke();
            await node.PassAsync(TimeSpan.FromSeconds(100));
            return await node.BookingAsync(packing);
        }

        Assert.Equal((BookingStatus.Booked, new Money(8.2m, "USD")), ((await TryAsync(Trouble.CutAfter)) is var bought ? (bought.Status, bought.Price!.Value) : default));
        Assert.Equal("create find picture", ep.Log);
        Assert.Equal(BookingStatus.Booked, (await TryAsync(Trouble.ServerError)).Status); // it had done nothing
        Assert.Equal("create find picture create find create picture", ep.Log);
        // It is there, and was not bought: what became of the money only somebody can see.
        var unsure = await TryAsync(Trouble.ServerErrorAfter, () => ep.Parcels[2].State = "unbought");
        Assert.Equal(BookingStatus.Unsure, unsure.Status);
        Assert.Contains($"asked for {unsure.Reference} it says: answered with 200, and not with what its profile expects", unsure.Error);
        Assert.Equal((3, 0), (ep.Parcels.Count, ep.Wrong.Count));
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_token_is_kept_as_long_as_it_is_good_and_every_call_is_signed(string store)
    {
        await using var open = (YunOpenDouble)await new YunOpenDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.OpenAsync(open);
        async Task<string> BuyAsync()
        {
            var before = open.Log.Length;
            var (_, packing) = await node.PackedAsync();
            await node.BookAsync(packing, "open");
            await node.PassAsync(TimeSpan.FromSeconds(20));
            Assert.Equal(BookingStatus.Booked, (await node.BookingAsync(packing)).Status);
            return open.Log[before..].Trim();
        }

        Assert.Equal("token create label picture", await BuyAsync());
        Assert.Equal("create label picture", await BuyAsync());
        node.Time.Advance(TimeSpan.FromHours(2));
        Assert.Equal("token create label picture", await BuyAsync());
        open.Good = "they have ended it";
        Assert.Equal("create token create label picture", await BuyAsync());
        Assert.Empty(open.Wrong);
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_the_open_platform_has_is_found_and_what_it_does_not_know_is_not_bought_again(string store)
    {
        await using var open = await new YunOpenDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.OpenAsync(open);
        open.Troubles.Enqueue(Trouble.CutAfter);
        var (_, packing) = await node.PackedAsync();
        await node.BookAsync(packing, "open");
        await node.PassAsync(TimeSpan.FromSeconds(100));
        Assert.Equal((BookingStatus.Booked, "token create find label picture"), ((await node.BookingAsync(packing)).Status, open.Log));
        // How it says that it does not know a number is not documented: any error may be that.
        open.Troubles.Enqueue(Trouble.ServerError);
        var (_, second) = await node.PackedAsync();
        await node.BookAsync(second, "open");
        await node.PassAsync(TimeSpan.FromSeconds(100));
        var unsure = await node.BookingAsync(second);
        Assert.Equal((BookingStatus.Unsure, 1), (unsure.Status, open.Parcels.Count));
        Assert.Contains("waybill does not exist; look there", unsure.Error);
        Assert.Empty(open.Wrong);
    }

    /// Goal: an error inside an answer of success is neither a purchase nor proof that none was made.
    [Theory]
    [InlineData("create", "9999", BookingStatus.Booked, "create find create label picture")] // something broke: looked up
    [InlineData("create", "10000", BookingStatus.Booked, "create create label picture")] // too many calls: nothing was done
    [InlineData("create", "1002", BookingStatus.Failed, "create")]
    [InlineData("find", "1002", BookingStatus.Unsure, "create find")]
    [InlineData("find", "9999", BookingStatus.Booked, "create find find label picture")]
    public async Task Errors_of_YunExpress_are_taken_for_what_they_are(string operation, string code, BookingStatus status, string log)
    {
        await using var yun = await new YunDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync("sqlite");
        await node.YunAsync(yun);
        if (operation == "find") yun.Troubles.Enqueue(Trouble.CutAfter);
        var told = false;
        yun.Instead = o =>
        {
            if (o != operation || told) return null;
            told = true;
            return (200, $$"""{"Code":"{{code}}","Message":"it is so","Item":null}""");
        };
        var (_, packing) = await node.PackedAsync();
        await node.BookAsync(packing, "yun");
        await node.PassAsync(TimeSpan.FromSeconds(200));
        Assert.Equal((status, log), ((await node.BookingAsync(packing)).Status, yun.Log));
        Assert.InRange(yun.Parcels.Count, 0, 1);
        Assert.Empty(yun.Wrong);
    }

    [Theory, EveryDatabase]
    public async Task Prices_of_ACS_want_the_station_that_serves_the_place(string store)
    {
        await using var acs = await new AcsDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.AcsAsync(acs);
        Assert.Equal(new Money(11.22m, "EUR"), Assert.Single(await RatesAsync(node, "acs", "10680")).Price);
        Assert.Equal("area rate", acs.Log);
        Assert.StartsWith("Δεν βρέθηκαν", Assert.Single(await RatesAsync(node, "acs", "99999")).Error, StringComparison.Ordinal);
        Assert.Equal("area rate area", acs.Log); // where it cannot be delivered, no price is asked for
        await node.CarrierAsync("acs", "acs", acs.Url, """{"company_id":"co","user_id":"us","billing_code":"2ΑΚ1"}""");
        Assert.Equal("settings.station is missing", Assert.Single(await RatesAsync(node, "acs", "10680")).Error);
        Assert.Empty(acs.Wrong);
    }

    [Fact]
    public async Task Prices_of_the_others_are_read_and_parts_of_one_are_added_up()
    {
        await using var open = await new YunOpenDouble().OpenAsync();
        await using var ep = await new EasyPostDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync("sqlite");
        await node.OpenAsync(open);
        await node.EasyPostAsync(ep);
        Assert.Equal([("THZXR", new Money(21.75m, "CNY"), "3-8"), ("BKZXR", new Money(9m, "CNY"), "9-20")], (await RatesAsync(node, "open", "11000")).Select(r => (r.Service!, r.Price!.Value, r.Days!)));
        Assert.Equal([("Express", new Money(51.2m, "USD"), "2"), ("GroundAdvantage", new Money(8.2m, "USD"), "3")], (await RatesAsync(node, "ep", "11000")).Select(r => (r.Service!, r.Price!.Value, r.Days!)));
        Assert.Empty(open.Wrong);
        Assert.Empty(ep.Wrong);
    }

    private static async Task<IReadOnlyList<RateView>> RatesAsync(CarrierNode node, string carrier, string postalCode)
    {
        var account = await node.Test.Database.ReadAsync(async s => (await CarrierRows.AccountAsync(s, (await CarrierRows.FindAsync(s, CarrierNode.Code, carrier))!, node.Test.Node.Secrets)).Account!);
        using var client = Client(node);
        var values = (JsonObject)JsonNode.Parse($$"""
            {"to":{"name":"Ana","line1":"P. Ralli 45","city":"Athens","country":"GR","postal_code":"{{postalCode}}"},"from":{"name":"Shop","line1":"A 1","city":"B","country":"RS","postal_code":"21000"},"today":"2026-01-05","package_count":1,
             "weight_kg":0.2,"weight_oz":7.1,"length_cm":30,"width_cm":20,"height_cm":10,"length_in":11.8,"width_in":7.9,"height_in":3.9}
            """)!;
        return await Rates.AskAsync(client, account, values, default);
    }

    private static CarrierClient Client(CarrierNode node) => new(node.Module.Target, node.Time, node.Test.Lanes.Meter.Get<CarrierMetrics>());

    [Theory, EveryDatabase]
    public async Task The_day_is_closed_into_a_list_that_names_what_stands_against_it(string store)
    {
        await using var acs = await new AcsDouble().OpenAsync();
        await using var bex = await new BexDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.AcsAsync(acs);
        await node.BexAsync(bex);
        using var client = Client(node);
        Task<Outcome<ManifestView>> IssueAsync(string carrier) => Manifests.IssueAsync(node.Test.Node, client, CarrierNode.Code, new ManifestBody { Carrier = carrier }, default);
        acs.Instead = o => o == "label" ? (500, "{}") : null;
        var (_, packing) = await node.PackedAsync(CarrierNode.Athens);
        var booking = await node.BookAsync(packing, "acs");
        var refused = (await IssueAsync("acs")).Refusal!;
        Assert.Equal("manifest_refused", refused.Code);
        Assert.EndsWith(": " + booking.TrackingNumber, refused.Detail, StringComparison.Ordinal); // what was never printed, and what a lost answer left behind

        acs.Instead = _ => null;
        await node.PassAsync(TimeSpan.FromMinutes(1));
        var issued = (await IssueAsync("acs")).Value;
        Assert.Equal(("acs", "7227889830"), (issued.Carrier, issued.Number));
        var listed = Assert.Single((await Manifests.ListAsync(node.Test.Node, client, CarrierNode.Code, "acs", issued.Date, default)).Value);
        Assert.Equal((issued.Number, 1), (listed.Number, listed.Parcels));

        // What is on a list, the carrier no longer takes back: that is said.
        await node.DoAsync(tx => ChangeBooking.CancelAsync(CarrierNode.Code, booking.Id, new CancelBookingBody(), tx));
        await node.SettleAsync();
        Assert.Contains("διαγραφή", (await node.BookingAsync(packing)).Error);
        Assert.Equal("no_manifests", (await IssueAsync("bex")).Refusal!.Code);
        acs.Dead = true;
        Assert.Equal("carrier_unavailable", (await IssueAsync("acs")).Refusal!.Code);
        Assert.Empty(acs.Wrong);
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task D_Express_is_told_of_Cyrillic_addresses_in_Latin_letters(string store)
    {
        await using var dx = await new DExpressDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.DExpressAsync(dx);
        var (_, packing) = await node.PackedAsync(CarrierNode.Belgrade with { Name = "Ђорђе Њежић", Line1 = "Љубе Дидића 5" });
        Assert.Equal(BookingStatus.Booked, (await node.BookAsync(packing, "dx")).Status);
        Assert.Equal(("Đorđe Nježić", "Ljube Didića"), ((string?)dx.Parcels[0].Request["RName"], (string?)dx.Parcels[0].Request["RAddress"]));
        Assert.Empty(dx.Wrong);
    }

    [Theory]
    [InlineData("ЉУБИЧИЦА Љ", "LJUBIČICA Lj")]
    [InlineData("Џон Шћепановић, Ђ. Јакшића 3а", "Džon Šćepanović, Đ. Jakšića 3a")]
    [InlineData("Straße 1", "Straße 1")]
    public void The_two_alphabets_answer_each_other(string given, string latin) => Assert.Equal(latin, SerbianLatin.Of(given));

    [Theory]
    [InlineData("A*", "ABC", true)]
    [InlineData("*c", "ABC", true)]
    [InlineData("a*b*c", "a-b-c", true)]
    [InlineData("a*b*b", "ab", false)]
    [InlineData("*/UR/*", "/UR/Уручено", true)]
    [InlineData("abc", "ABC", true)]
    [InlineData("a", "ab", false)]
    [InlineData("*", "", true)]
    public void Stars_stand_for_anything(string pattern, string word, bool fits) => Assert.Equal(fits, JsonWords.Fits(pattern, word));

    /// <summary>What carriers' papers say, and nothing that would end the following of a parcel too early.</summary>
    [Theory]
    [InlineData("acs", "1/0//4", ParcelStatus.Delivered)]
    [InlineData("acs", "1/1//4", ParcelStatus.Returned)]
    [InlineData("acs", "0/1//7", ParcelStatus.Returned)]
    [InlineData("acs", "0/0/ΑΔ1/5", ParcelStatus.AvailableForPickup)]
    [InlineData("acs", "0/0/ΑΣ1/3", ParcelStatus.AttemptFailed)]
    [InlineData("acs", "0/0/ΑΠ1/1", ParcelStatus.AttemptFailed)]
    [InlineData("acs", "0/0/ΔΔ1/5", ParcelStatus.InTransit)]
    [InlineData("acs", "0/0//5", ParcelStatus.InTransit)]
    [InlineData("acs", "0/0//6", ParcelStatus.InTransit)]
    [InlineData("acs", "0/0//4", ParcelStatus.Unknown)]
    [InlineData("post_express", "/UR/Уручено", ParcelStatus.Delivered)]
    [InlineData("post_express", "D/UR/Уручено", ParcelStatus.Returned)]
    [InlineData("post_express", "D/OT/Отправљено", ParcelStatus.InTransit)]
    [InlineData("post_express", "/IZ/Извештено", ParcelStatus.AvailableForPickup)]
    [InlineData("post_express", "//URUČENO", ParcelStatus.Delivered)]
    [InlineData("post_express", "/XX/Нешто", ParcelStatus.Unknown)]
    [InlineData("yun_express", "2/20", ParcelStatus.InTransit)]
    [InlineData("yun_express", "2/30", ParcelStatus.AvailableForPickup)]
    [InlineData("yun_express", "3/", ParcelStatus.Delivered)]
    [InlineData("yun_express", "0/0", ParcelStatus.Unknown)]
    [InlineData("yun_express_open", "N", ParcelStatus.Unknown)]
    [InlineData("d_express", "-13", ParcelStatus.Lost)]
    [InlineData("d_express", "5", ParcelStatus.AttemptFailed)]
    [InlineData("d_express", "830", ParcelStatus.AvailableForPickup)]
    public void Codes_mean_what_is_documented(string profile, string code, ParcelStatus status) => Assert.Equal(status, Profiles.StatusOf(Profiles.BuiltIn[profile], code));

    /// Goal: whoever writes a profile sees all that it would send. Method: the built-in ones.
    [Fact]
    public async Task What_a_profile_would_send_is_shown_with_what_comes_before()
    {
        foreach (var profile in Profiles.BuiltIn.Values)
        {
            var shown = await ProfileSample.RequestsAsync(profile, default);
            var firsts = profile.Calls.Count(c => c.Call.First is not null) + (profile.Token is null ? 0 : 1);
            Assert.Equal(profile.Calls.Count() + firsts, shown.Count);
        }
        var open = await ProfileSample.RequestsAsync(Profiles.BuiltIn["yun_express_open"], default);
        Assert.StartsWith("token: POST https://openapi.yunexpress.cn/openapi/oauth2/token\n", open[0], StringComparison.Ordinal);
        Assert.Contains("\nsign: ", open[0]);
        Assert.Contains(open, r => r.StartsWith("find: GET ", StringComparison.Ordinal) && r.Contains("\nsign: ", StringComparison.Ordinal) && r.Contains("\ntoken: <token>\n", StringComparison.Ordinal));
        var acs = await ProfileSample.RequestsAsync(Profiles.BuiltIn["acs"], default);
        Assert.Equal(["rate, first", "rate"], acs.Select(r => r.Split(": POST")[0]).Where(n => n.StartsWith("rate", StringComparison.Ordinal)));
    }

    [Fact]
    public void Own_words_for_states_come_first_and_may_have_stars()
    {
        var account = new CarrierAccount("WH1", "post", Profiles.BuiltIn["post_express"], "https://x", (JsonObject)JsonNode.Parse("""{"statuses":{"*/ZZ/*":"lost","/UR/Уручено":"out_for_delivery"}}""")!, new Dictionary<string, string>());
        Assert.Equal([ParcelStatus.Lost, ParcelStatus.OutForDelivery, ParcelStatus.Delivered], new[] { "/ZZ/x", "/UR/Уручено", "/UR/x" }.Select(account.StatusOf));
    }
}
