using System.Text;
using System.Text.Json.Nodes;
using Stowline.Contracts;
using Stowline.Site.Fulfillment;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>What a profile would send, for a parcel between two made-up people: for whoever writes one. Settings and secrets stand as <c>&lt;name&gt;</c>.</summary>
public static class ProfileSample
{
    /// <summary>One text per call: method, address, headers, body.</summary>
    /// <returns>Also for a call that could not be made, with the reason.</returns>
    public static async Task<IReadOnlyList<string>> RequestsAsync(CarrierProfile profile, CancellationToken ct)
    {
        var at = new DateTimeOffset(2026, 1, 5, 10, 0, 0, TimeSpan.Zero);
        var id = Guid.Parse("0199aa00-0000-7000-8000-000000000001");
        var package = new Package(1, PackagingType.Box, 1_500, 400, 300, 200, 4_800, 4_800, "PK00000000001-001", null, at);
        var task = new PackingTask(id, 10_000_000_001, id, 1042, 1, id, "WH1", PackingStatus.Packed, Priority.Normal, null, false, PackagingType.Box, 1_500, 400, 300, 200, 4_800, 4_800, null, null, null, at, at, at, null, null, null, [], [package]);
        var order = new FulfillmentOrder { OrderId = id, OrderNumber = 1042, Channel = "web", ExternalId = "536365", Site = "WH1" };
        var booking = new BookingRow { Id = id, Site = "WH1", Reference = "ST10000000001-0001", TrackingNumber = "<tracking number>", CarrierRef = "<carrier's id>", Numbers = profile.Numbers is null ? "[]" : """["XX0000000001"]""" };
        var to = new PersonalDetails(new CustomerDetails("Ana Anić", "ana@example.com", "064 123 4567"), new AddressDetails("Ana Anić", "Knez Mihailova 10/7", null, "Beograd", null, "11000", "RS", null, null));
        var sender = new SenderAddress { Name = "Shop Ltd", Line1 = "Bulevar Oslobođenja 13", City = "Novi Sad", PostalCode = "21000", Country = "RS", Phone = "021 123 456" };
        var settings = new JsonObject(profile.Settings.Select(s => KeyValuePair.Create(s.TrimEnd('?'), (JsonNode?)$"<{s.TrimEnd('?')}>")));
        var account = new CarrierAccount("WH1", profile.Name, profile, profile.Url.Length > 0 ? profile.Url : "https://carrier.example", settings, profile.Secrets.ToDictionary(s => s.TrimEnd('?'), s => $"<{s.TrimEnd('?')}>", StringComparer.Ordinal));
        var values = ParcelValues.Of(booking, task, order, to, sender, at, TimeZoneInfo.FindSystemTimeZoneById(profile.TimeZone));
        (values["token"], values["now_ms"], values["date"], values["number"]) = ("<token>", at.ToUnixTimeMilliseconds(), values["today"]!.DeepClone(), "<number>");
        var shown = new List<string>();
        if (profile.Token is { } token) shown.Add(await ShowAsync("token", account, token, values, ct));
        foreach (var (name, call) in profile.Calls)
        {
            if (call.First is { } first)
            {
                shown.Add(await ShowAsync(name + ", first", account, first, values, ct));
                values["first"] = new JsonObject(first.Read.Keys.Select(k => KeyValuePair.Create(k, (JsonNode?)$"<{k}>")));
            }
            shown.Add(await ShowAsync(name, account, call, values, ct));
        }
        return shown;
    }

    private static async Task<string> ShowAsync(string name, CarrierAccount account, ProfileCall call, JsonObject values, CancellationToken ct)
    {
        try
        {
            using var request = CarrierClient.Request(account, call, values);
            var text = new StringBuilder($"{name}: {request.Method} {request.RequestUri}\n");
            foreach (var (header, given) in request.Headers.Where(h => h.Key is not ("User-Agent" or "Accept"))) text.Append(header).Append(": ").AppendJoin(", ", given).Append('\n');
            if (request.Content is not null) text.Append(await request.Content.ReadAsStringAsync(ct)).Append('\n');
            return text.ToString();
        }
        catch (TemplateException e)
        {
            return $"{name}: cannot be filled with sample settings: {e.Message}\n";
        }
    }
}
