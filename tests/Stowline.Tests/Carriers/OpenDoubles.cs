using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Stowline.Tests.Carriers;

/// <summary>YunExpress's open platform: a token that ends, and a signature over every call.</summary>
public sealed class YunOpenDouble : LocalCarrier
{
    private int _tokens;

    /// <summary>What it takes; others were ended.</summary>
    public string Good { get; set; } = "";

    protected override string OperationOf(CarrierRequest r) => r.Path switch
    {
        "/openapi/oauth2/token" => "token", "/v1/order/package/create" => "create", "/v1/order/info/get" => "find", "/v1/order/label/get" => "label", "/v1/track-service/info/get" => "track", "/v1/order/cancel" => "cancel",
        "/v1/price-trial/get" => "rate", _ when r.Path.StartsWith("/labels/", StringComparison.Ordinal) => "picture", _ => "unknown " + r.Path,
    };

    protected override (int, string) Answer(string operation, CarrierRequest r)
    {
        if (operation == "picture")
        {
            Must(!r.Headers.ContainsKey("token") && !r.Headers.ContainsKey("sign"), "the credentials were sent to where the label lies");
            return (200, YunDouble.Pdf);
        }
        var (date, body) = (r.Headers["date"].ToString(), Encoding.UTF8.GetString(r.Raw));
        var signed = (body.Length > 0 ? $"body={body}&" : "") + $"date={date}&method={r.Method}&uri={r.Path}";
        Must(date.Length == 13, $"{operation}: the date is no time in milliseconds: {date}");
        Must(r.Headers["sign"].ToString() == Convert.ToBase64String(HMACSHA256.HashData("open-secret"u8, Encoding.UTF8.GetBytes(signed))), operation + ": the signature is wrong");
        if (operation == "token")
        {
            Must(Text(r.Body, "grantType") == "client_credentials" && Text(r.Body, "appId") == "open-app" && Text(r.Body, "appSecret") == "open-secret" && Text(r.Body, "sourceKey") == "open-source", "the account is not said right");
            return (200, $$"""{"accessToken":"{{Good = $"token-{++_tokens}"}}","expiresIn":7200}""");
        }
        if (r.Headers["token"].ToString() != Good) return (401, """{"success":false,"code":"401","msg":"token expired"}""");
        return operation switch
        {
            "create" => Create(r.Body!),
            "find" => Find(r.Query["order_number"].ToString()) is { } p ? Ok($$"""{"waybill_number":"{{p.Number}}","customer_order_number":"{{p.Reference}}","tracking_number":"","status":"A"}""") : No("waybill does not exist"),
            "label" => Find(r.Query["order_number"].ToString()) is { } l ? Ok($$"""{"order_number":"{{l.Number}}","url":"{{Url}}/labels/{{l.Number}}.pdf","label_type":"PDF","label_string":""}""") : No("no label"),
            "track" => Find(r.Query["order_number"].ToString()) is { State.Length: > 0 } t ? Ok($$"""[{"order_number":"{{t.Number}}","package_status":"{{t.State}}","track_Info":{"waybill_number":"{{t.Number}}","track_events":[]} }]""") : Ok("[]"),
            "cancel" => Cancel(r.Body!),
            "rate" => Rate(r),
            _ => (404, "{}"),
        };
    }

    private static (int, string) Ok(string result) => (200, $$"""{"t":1678415735,"success":true,"result":{{result}} }""");
    private static (int, string) No(string why) => (200, $$"""{"t":1678415735,"success":false,"code":"02060001","msg":"{{why}}"}""");

    private (int, string) Create(JsonNode order)
    {
        foreach (var name in new[] { "product_code", "customer_order_number" }) Must(Text(order, name).Length > 0, name + " is missing");
        Must(Text(order, "weight_unit") == "KG" && Text(order, "size_unit") == "CM", "the units are not said");
        foreach (var package in (JsonArray)order["packages"]!)
            foreach (var name in new[] { "weight", "length", "width", "height" }) Must(package![name] is JsonValue v && v.TryGetValue<decimal>(out var size) && size > 0, $"packages.{name} is no positive number");
        foreach (var side in new[] { "receiver", "sender" })
            foreach (var name in new[] { "first_name", "country_code", "city", "postal_code", "phone_number" }) Must(Text(order, side, name).Length > 0, $"{side}.{name} is missing");
        Must(Text(order, "receiver", "address_lines", 0).Length > 0, "receiver.address_lines is missing");
        foreach (var name in new[] { "name_en", "quantity", "unit_price", "unit_weight", "currency" }) Must(Text(order, "declaration_info", 0, name).Length > 0, $"declaration_info.{name} is missing");
        var (parcel, isNew) = Take(Text(order, "customer_order_number"), $"YT{3_000_000 + ByReference.Count}", order);
        return isNew ? Ok($$"""{"customer_order_number":"{{parcel.Reference}}","waybill_number":"{{parcel.Number}}","tracking_number":"","track_type":"W"}""") : No("customer order number exists");
    }

    private (int, string) Cancel(JsonNode body)
    {
        if (Find(Text(body, "waybill_number")) is not { } parcel) return No("waybill does not exist");
        parcel.Cancelled = true;
        return (200, """{"t":1678415735,"success":true}""");
    }

    private (int, string) Rate(CarrierRequest r)
    {
        foreach (var name in new[] { "country_code", "weight", "weight_unit", "package_type", "pieces", "length", "width", "height", "size_unit" }) Must(r.Query[name].ToString().Length > 0, name + " is missing");
        return Ok("""[{"product_code":"THZXR","product_name":"Standard","fee_name":"E1","calculate_amount":20.5,"currency":"CNY","interval_day":"3-8","convert_currency":"CNY","convert_amount":20.5},{"product_code":"THZXR","product_name":"Standard","fee_name":"E2","calculate_amount":1.25,"currency":"CNY","interval_day":"3-8"},{"product_code":"BKZXR","product_name":"Slow","fee_name":"E1","calculate_amount":9,"currency":"CNY","interval_day":"9-20"}]""");
    }
}

/// <summary>EasyPost: one call buys; what was bought is there under our reference too.</summary>
public sealed class EasyPostDouble : LocalCarrier
{
    protected override string OperationOf(CarrierRequest r) => (r.Method, r.Path) switch
    {
        ("POST", "/v2/shipments") => "create", ("POST", "/beta/rates") => "rate", ("GET", "/v2/trackers") => "track", ("POST", _) when r.Path.EndsWith("/refund", StringComparison.Ordinal) => "cancel",
        ("GET", _) when r.Path.StartsWith("/v2/shipments/", StringComparison.Ordinal) => "find", ("GET", _) when r.Path.StartsWith("/labels/", StringComparison.Ordinal) => "picture", _ => "unknown " + r.Path,
    };

    protected override (int, string) Answer(string operation, CarrierRequest r)
    {
        if (operation != "picture") Must(r.Basic == "ep-key:", operation + ": the key is missing");
        else Must(r.Bearer.Length == 0, "the credentials were sent to where the label lies");
        switch (operation)
        {
            case "create": return Create(r.Body!["shipment"]!);
            case "rate":
                Check(r.Body!["shipment"]!);
                return (200, """{"rates":[{"service":"Express","carrier":"USPS","rate":"51.20","currency":"USD","est_delivery_days":2},{"service":"GroundAdvantage","carrier":"USPS","rate":"8.20","currency":"USD","delivery_days":3}],"messages":[]}""");
            case "find": return Find(r.Path["/v2/shipments/".Length..]) is { } known ? (200, Shown(known)) : (404, """{"error":{"code":"SHIPMENT.NOT_FOUND","message":"The requested resource could not be found.","errors":[]}}""");
            case "picture": return (200, YunDouble.Pdf);
            case "track":
                return Find(r.Query["tracking_code"].ToString()) is { State.Length: > 0 } p
                    ? (200, $$$"""{"trackers":[{"tracking_code":"{{{p.Number}}}","tracking_details":[{"status":"{{{p.State}}}","datetime":"2026-01-05T11:00:00Z","message":"told","tracking_location":{"city":"BEOGRAD"} }]}]}""") : (200, """{"trackers":[]}""");
            case "cancel":
                if (ByReference.Values.FirstOrDefault(q => r.Path == $"/v2/shipments/shp_{q.Number}/refund") is not { } gone) return (404, """{"error":{"message":"not found"}}""");
                gone.Cancelled = true;
                return (200, """{"refund_status":"submitted"}""");
            default: return (404, "{}");
        }
    }

    private void Check(JsonNode shipment)
    {
        foreach (var side in new[] { "to_address", "from_address" })
            foreach (var name in new[] { "name", "street1", "city", "zip", "country" }) Must(Text(shipment, side, name).Length > 0, $"{side}.{name} is missing");
        foreach (var name in new[] { "length", "width", "height", "weight" }) Must(At(shipment, "parcel", name)?.GetValueKind() == System.Text.Json.JsonValueKind.Number, $"parcel.{name} is no number");
        Must(Text(shipment, "carrier_accounts", 0) == "ca_1", "carrier_accounts is missing");
    }

    private (int, string) Create(JsonNode shipment)
    {
        Check(shipment);
        Must(Text(shipment, "service").Length > 0, "service is missing");
        var (parcel, isNew) = Take(Text(shipment, "reference"), $"EZ{4_000_000 + ByReference.Count}", shipment);
        Must(isNew, "the reference was bought before");
        return (201, Shown(parcel));
    }

    private string Shown(TakenParcel p) => p.State == "unbought" ? $$"""{"id":"shp_{{p.Number}}","reference":"{{p.Reference}}","tracking_code":null}"""
        : $$$"""{"id":"shp_{{{p.Number}}}","reference":"{{{p.Reference}}}","tracking_code":"{{{p.Number}}}","postage_label":{"label_url":"{{{Url}}}/labels/{{{p.Number}}}.png"},"selected_rate":{"rate":"8.20","currency":"USD","delivery_date":null} }""";
}
