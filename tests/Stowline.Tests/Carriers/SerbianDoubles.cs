using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Stowline.Tests.Carriers;

/// <summary>Pošta Srbije's WSP: one address, transactions by number, JSON within JSON, two results in one answer.</summary>
public sealed class PostExpressDouble : LocalCarrier
{
    protected override string OperationOf(CarrierRequest r) => r.Path != "/WspWebApi/transakcija" ? "unknown " + r.Path : Text(r.Body, "IdVrstaTranskacije") switch { "73" => "create", "63" => "track", "11" => "rate", var n => "unknown " + n };

    protected override (int, string) Answer(string operation, CarrierRequest r)
    {
        var client = JsonNode.Parse(Text(r.Body, "StrKlijent"))!;
        Must(Text(client, "Username") == "pe-user" && Text(client, "Password") == "pe-secret" && Text(client, "IdPartnera") == "10001", operation + ": who calls is not said right");
        Must(client["IdTipUredjaja"]!.GetValueKind() == System.Text.Json.JsonValueKind.String, "IdTipUredjaja must be a text");
        Must(Text(r.Body, "Servis") == "101" && Text(r.Body, "TipSerijalizacije") == "2", "Servis and TipSerijalizacije must be 101 and 2");
        Must(Guid.TryParse(Text(r.Body, "IdTransakcija"), out _), "IdTransakcija must be a GUID");
        var order = JsonNode.Parse(Text(r.Body, "StrIn"))!;
        return operation switch
        {
            "create" => Create(order),
            "rate" => (200, Wrap("""{"Rezultat":0,"Postarina":41500,"NazivUsluge":"PE Danas za sutra"}""")),
            "track" => Find(Text(order, "PrijemniBroj")) is { State.Length: > 0 } p
                ? (200, Wrap($$"""{"Kretanja":[{"Status":"Примљено","Mesto":"БЕОГРАД","Datum":"2026-01-05 10:30","StatusSifra":"PR","PrijemniBroj":"{{p.Number}}"},{"Status":"{{p.State.Split('/')[^1]}}","StatusSifra":"{{(p.State.Contains('/') ? p.State.Split('/')[1] : "")}}","Retur":"{{(p.State.Contains('/') ? p.State.Split('/')[0] : "")}}","Mesto":"НОВИ САД","Datum":"2026-01-05 12:00","PrijemniBroj":"{{p.Number}}"}]}"""))
                : (200, """{"Rezultat":1,"StrRezultat":"{\"Poruka\":\"Pošiljka nije primljena\"}"}"""),
            _ => (404, "{}"),
        };
    }

    private static string Wrap(string inner) => new JsonObject { ["Rezultat"] = 3, ["StrOut"] = inner }.ToJsonString();

    private (int, string) Create(JsonNode order)
    {
        foreach (var name in new[] { "ExtIdManifest", "DatumPrijema", "IdPartnera" }) Must(Text(order, name).Length > 0, name + " is missing");
        Must(Text(order, "IdTipPosiljke") == "1", "IdTipPosiljke belongs to the manifest");
        var numbers = new JsonArray();
        foreach (var parcel in (JsonArray)At(order, "Porudzbine", 0, "Posiljke")!)
        {
            foreach (var name in new[] { "ExtBrend", "ExtMagacin", "ExtReferenca", "NacinPrijema", "NacinPlacanja", "PosebneUsluge", "BrojPosiljke" }) Must(Text(parcel, name).Length > 0, name + " is missing");
            Must(Text(parcel, "ImaPrijemniBrojDN") == "N", "ImaPrijemniBrojDN must be the letter N");
            Must(parcel!["Masa"]!.GetValueKind() == System.Text.Json.JsonValueKind.Number && parcel["Masa"]!.GetValue<int>() > 10, "Masa must be in grams, an integer");
            Must(parcel["IdRukovanje"]!.GetValueKind() == System.Text.Json.JsonValueKind.Number, "IdRukovanje must be a number");
            Must(parcel["PosebneUsluge"]!.GetValueKind() == System.Text.Json.JsonValueKind.String, "PosebneUsluge must be one text");
            foreach (var side in new[] { "Posiljalac", "MestoPreuzimanja", "Primalac" })
                foreach (var name in new[] { "Ulica", "Broj", "Mesto", "PostanskiBroj" }) Must(Text(parcel, side, "Adresa", name).Length > 0, $"{side}.Adresa.{name} is missing: addresses are objects");
            numbers.Add(new JsonObject { ["Rbr"] = numbers.Count, ["PrijemniBroj"] = $"PJ7000{1000 + ByReference.Count * 10 + numbers.Count}RS", ["BrojPosiljke"] = Text(parcel, "BrojPosiljke") });
        }
        var (taken, _) = Take(Text(order, "ExtIdManifest"), Text(numbers[0], "PrijemniBroj"), order);
        numbers[0]!["PrijemniBroj"] = taken.Number;
        return (200, Wrap(new JsonObject
        {
            ["IdManifest"] = 13_000, ["ExtIdManifest"] = taken.Reference, ["Porudzbine"] = new JsonArray(new JsonObject { ["Posiljke"] = numbers }),
            ["Greske"] = new JsonArray(),
        }.ToJsonString()));
    }
}

/// <summary>D Express: plain words for answers, parcel codes out of a range that it gave out, town numbers of its own.</summary>
public sealed partial class DExpressDouble : LocalCarrier
{
    protected override string OperationOf(CarrierRequest r) => r.Path == "/data/addshipment" ? "create" : "unknown " + r.Path;

    protected override (int, string) Answer(string operation, CarrierRequest r)
    {
        Must(r.Basic == "dx-user:dx-secret", "the credentials are " + r.Bearer);
        var body = r.Body!;
        Must(Client().IsMatch(Text(body, "CClientID")), "CClientID must be UK and five digits");
        foreach (var side in new[] { "C", "Pu", "R" })
        {
            foreach (var name in new[] { "Name", "Address", "AddressNum" })
                Must(Text(body, side + name) is { Length: > 0 and <= 50 } given && !given.Any(c => c is >= 'Ѐ' and <= 'ӿ'), $"{side}{name} is missing, too long or not in Latin letters");
            Must(int.TryParse(Text(body, side + "TownID"), out var town) && town is >= 100_000 and <= 10_000_000, $"{side}TownID is no town");
        }
        Must(Number().IsMatch(Text(body, "RAddressNum")), "RAddressNum is no house number: " + Text(body, "RAddressNum"));
        if (Text(body, "RCPhone") is { Length: > 0 } phone) Must(Phone().IsMatch(phone), "RCPhone must be 381 and the number: " + phone);
        foreach (var name in new[] { "DlTypeID", "PaymentBy", "PaymentType", "Value", "Mass", "ReturnDoc" }) Must(body[name]?.GetValueKind() == System.Text.Json.JsonValueKind.Number, name + " must be a number");
        Must(Text(body, "ReferenceID") is { Length: > 0 and <= 50 }, "ReferenceID is missing or too long");
        var codes = ((JsonArray)body["PackageList"]!).Select(p => Text(p, "Code")).ToList();
        Must(codes.Count > 0 && codes.Distinct().Count() == codes.Count && codes.All(c => Code().IsMatch(c)), "the codes must be two letters and ten digits each, all different");
        if (ByReference.Values.Any(p => p.Reference != Text(body, "ReferenceID") && codes.Contains(p.Number))) return (400, "\"Code already used\"");
        Take(Text(body, "ReferenceID"), codes.FirstOrDefault() ?? "", body);
        return (200, "\"TEST\"");
    }

    [GeneratedRegex("^UK[0-9]{5}$")]
    private static partial Regex Client();

    [GeneratedRegex("^[A-Z]{2}[0-9]{10}$")]
    private static partial Regex Code();

    [GeneratedRegex("^(381[1-9][0-9]{7,8}|38167[0-9]{6,8})$")]
    private static partial Regex Phone();

    [GeneratedRegex(@"^((bb|BB|b\.b\.|B\.B\.)(/[-a-zA-Z_0-9]+)*|(\d(-\d)?[a-zA-Z_0-9]{0,2})+(/[-a-zA-Z_0-9]+)*)$")]
    private static partial Regex Number();
}

/// <summary>Bex: the sender is a client number, names come last first, labels as Base64.</summary>
public sealed class BexDouble : LocalCarrier
{
    protected override string OperationOf(CarrierRequest r) => r.Path switch
    {
        "/ship/api/Ship/postShipments" => "create", "/ShipDNF/Ship/getLabelWithProperties" => "label", "/ship/api/Ship/getstate" => "track", "/ship/api/Ship/delete" => "cancel", _ => "unknown " + r.Path,
    };

    protected override (int, string) Answer(string operation, CarrierRequest r)
    {
        Must(r.Headers["X-AUTH-TOKEN"].ToString() == "bex-token", operation + ": the token is missing");
        switch (operation)
        {
            case "create":
                var shipment = At(r.Body, "shipmentslist", 0)!;
                Must(Text(shipment, "shipmentId") == "0", "a new shipment has the id 0");
                foreach (var name in new[] { "serviceSpeed", "shipmentType", "shipmentCategory", "totalPackages", "shipmentContents", "payType" }) Must(shipment[name]?.GetValueKind() == System.Text.Json.JsonValueKind.Number, name + " must be a number");
                Must(Text(shipment, "tasks", 0, "type") == "1" && Text(shipment, "tasks", 0, "nameType") == "3" && Text(shipment, "tasks", 0, "name1") == "326000", "the sender is named by the client number");
                Must(Text(shipment, "tasks", 1, "type") == "2" && Text(shipment, "tasks", 1, "nameType") == "1", "the receiver is a person");
                foreach (var name in new[] { "name1", "place", "street", "phone" }) Must(Text(shipment, "tasks", 1, name).Length > 0, $"the receiver's {name} is missing");
                Must(At(shipment, "tasks", 1, "houseNumber") is JsonValue h && h.TryGetValue<int>(out _), "houseNumber must be a number");
                var (parcel, _) = Take(Text(shipment, "commentPrivate"), $"{170_123_456 + ByReference.Count}", shipment);
                return (200, $$"""{"shipmentsResultList":[{"state":true,"shipmentId":{{parcel.Number}},"err":""}],"reqstate":true,"reqerr":""}""");
            case "label":
                return (200, $$"""{"state":true,"shipmentId":{{r.Query["shipmentId"]}},"parcelNo":1,"parcelLabel":"{{Convert.ToBase64String("%PDF-1.4 bex"u8)}}","err":""}""");
            case "track":
                return Find(r.Query["shipmentid"].ToString()) is { State.Length: > 0 } known ? (200, $$"""{"status":{{known.State}},"statusText":"испоручена","deliveryDate":"05.01.2026","note":"Потписао: Ана"}""") : (200, """{"status":3,"statusText":"nije poslata"}""");
            case "cancel":
                if (Find(Text(r.Body, "shipmentid")) is { } gone) gone.Cancelled = true;
                return (200, """{"state":true,"message":"otkazano"}""");
            default: return (404, "{}");
        }
    }
}
