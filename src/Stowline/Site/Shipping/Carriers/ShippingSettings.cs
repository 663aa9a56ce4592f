using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>Who sends from a site, as carriers are told.</summary>
public sealed record SenderAddress
{
    public string? Name { get; init; }
    /// <summary>A person to ask for.</summary>
    public string? Contact { get; init; }
    public string? Line1 { get; init; }
    public string? City { get; init; }
    public string? PostalCode { get; init; }
    public string? Region { get; init; }
    /// <summary>Two letters, ISO 3166.</summary>
    public string? Country { get; init; }
    public string? Phone { get; init; }
    public string? Email { get; init; }
}

/// <summary>Which carriers take which parcels. What is not given does not matter; the first rule that fits counts.</summary>
public sealed record CarrierRule
{
    /// <summary>Countries of the address, two letters each.</summary>
    public IReadOnlyList<string>? Countries { get; init; }
    public string? Channel { get; init; }
    public int? MinWeightG { get; init; }
    /// <summary>Of all packages together.</summary>
    public int? MaxWeightG { get; init; }
    public int? MaxPackages { get; init; }
    /// <summary>In the order in which they are asked: the next one when one does not take the parcel or does not answer.</summary>
    public IReadOnlyList<string>? Carriers { get; init; }
    public string? Service { get; init; }
    /// <summary>Bought as soon as it is packed; else when somebody asks.</summary>
    public bool Automatic { get; init; }
    /// <summary>Shipped as soon as a carrier has taken it; else when somebody says so.</summary>
    public bool Ship { get; init; }
}

/// <summary>How a site ships.</summary>
public sealed record ShippingSettingsBody
{
    public SenderAddress? Sender { get; init; }
    /// <summary>The carrier of this site that is asked for an address where the order has none (its profile must be able to).</summary>
    public string? AddressFrom { get; init; }
    public IReadOnlyList<CarrierRule?>? Rules { get; init; }
}

public sealed record ShippingSettingsView(string Site, SenderAddress? Sender, string? AddressFrom, IReadOnlyList<CarrierRule> Rules);

/// <summary><c>PUT /sites/{code}/shipping-settings</c> and its reading (F5): sender, where addresses come from, which carriers and in what order.</summary>
public static class ShippingSettings
{
    private const int MostRules = 100;

    private sealed record Row { public string? Sender { get; init; } public string? AddressFrom { get; init; } public string Rules { get; init; } = "[]"; }

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapPut("/sites/{code}/shipping-settings", (HttpContext http, string code) => SitePath.RunAsync<ShippingSettingsBody, ShippingSettingsView>(http, node, DecideAsync))
            .WithTags("Carriers").WithSummary("Who sends from a site, and which carriers take which parcels").Takes<ShippingSettingsBody>().Produces<ShippingSettingsView>();
        api.MapGet("/sites/{code}/shipping-settings", (HttpContext http, string code) => SitePath.ReadAsync<ShippingSettingsView>(http, node, async site =>
                await node.Database.ReadAsync(s => ReadAsync(s, site), http.RequestAborted)))
            .WithTags("Carriers").WithSummary("How a site ships").Produces<ShippingSettingsView>();
    }

    public static async Task<ShippingSettingsView> ReadAsync(SqlSession session, string site)
    {
        var row = await session.FindAsync<Row>("SELECT sender, address_from, rules FROM shipping_settings WHERE site = @site", new { site });
        return new ShippingSettingsView(site, row?.Sender is { } sender ? JsonSerializer.Deserialize(sender, CarrierJson.Default.SenderAddress) : null, row?.AddressFrom,
            row is null ? [] : JsonSerializer.Deserialize(row.Rules, CarrierJson.Default.ListCarrierRule) ?? []);
    }

    public static async ValueTask<Outcome<ShippingSettingsView>> DecideAsync(string site, ShippingSettingsBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var known = (await CarrierRows.OfSiteAsync(tx.Group.Session, site)).ToDictionary(c => c.Carrier, StringComparer.Ordinal);
        if (body.Sender is { } sender) Check(sender, problems);
        if (body.AddressFrom is { } from) problems.Check(known.TryGetValue(from, out var asked) && asked.Spoken?.Address is not null, "address_from", "must be a carrier of this site that can tell addresses");
        var rules = body.Rules ?? [];
        problems.Check(rules.Count <= MostRules, "rules", $"must be at most {MostRules}");
        for (var i = 0; i < rules.Count && i < MostRules; i++) Check(rules[i], $"rules[{i}]", known, problems);
        if (problems.Any) return problems.ToRefusal();
        var view = new ShippingSettingsView(site, body.Sender, body.AddressFrom, [.. rules.Select(r => r!)]);
        await tx.WriteAsync("""
            INSERT INTO shipping_settings (site, sender, address_from, rules) VALUES (@site, @sender, @from, @rules)
            ON CONFLICT (site) DO UPDATE SET sender = excluded.sender, address_from = excluded.address_from, rules = excluded.rules
            """, new
        {
            site, sender = body.Sender is null ? null : JsonSerializer.Serialize(body.Sender, CarrierJson.Default.SenderAddress), from = body.AddressFrom,
            rules = JsonSerializer.Serialize([.. view.Rules], CarrierJson.Default.ListCarrierRule),
        });
        return view;
    }

    private static void Check(SenderAddress sender, Problems problems)
    {
        foreach (var (name, value, most) in new (string, string?, int)[] { ("name", sender.Name, 100), ("line1", sender.Line1, 200), ("city", sender.City, 100), ("postal_code", sender.PostalCode, 32), ("country", sender.Country, 2) })
            Fulfillment.TaskInput.Required(problems, value, $"sender.{name}", most);
        problems.Check(sender.Country is null || sender.Country.Length == 2 && sender.Country.All(char.IsAsciiLetter), "sender.country", "must be two letters (ISO 3166)");
        foreach (var (name, value) in new (string, string?)[] { ("contact", sender.Contact), ("region", sender.Region), ("phone", sender.Phone), ("email", sender.Email) }) problems.Text(value, $"sender.{name}", 100);
    }

    private static void Check(CarrierRule? rule, string field, Dictionary<string, CarrierRow> known, Problems problems)
    {
        if (rule is null) { problems.Add(field, "must not be null"); return; }
        problems.Check(rule.Carriers is { Count: > 0 and <= 10 } && rule.Carriers.Distinct(StringComparer.Ordinal).Count() == rule.Carriers.Count, field + ".carriers", "must be 1–10 different carriers of this site");
        foreach (var carrier in rule.Carriers ?? []) problems.Check(carrier is not null && known.TryGetValue(carrier, out var row) && row.Spoken?.Create is not null, field + ".carriers", $"has {carrier}, which this site cannot ship with");
        foreach (var country in rule.Countries ?? []) problems.Check(country is { Length: 2 } && country.All(char.IsAsciiLetter), field + ".countries", "must be two letters each (ISO 3166)");
        problems.Check(rule.MinWeightG is null or >= 0, field + ".min_weight_g", "must not be negative");
        problems.Check(rule.MaxWeightG is null or > 0, field + ".max_weight_g", "must be positive");
        problems.Check(rule.MaxPackages is null or > 0, field + ".max_packages", "must be positive");
        problems.Text(rule.Service, field + ".service", 64);
        problems.Text(rule.Channel, field + ".channel", 64);
    }

    /// <summary>The first rule that fits; null when none does. Pure.</summary>
    internal static CarrierRule? Choose(IReadOnlyList<CarrierRule> rules, string channel, string? country, long weightG, int packages) => rules.FirstOrDefault(r =>
        (r.Countries is not { Count: > 0 } countries || country is not null && countries.Contains(country, StringComparer.OrdinalIgnoreCase))
        && (r.Channel is null || r.Channel == channel) && (r.MinWeightG is null || weightG >= r.MinWeightG) && (r.MaxWeightG is null || weightG <= r.MaxWeightG)
        && (r.MaxPackages is null || packages <= r.MaxPackages));
}
