using System.Text.Json.Nodes;

namespace Stowline.Tests.Carriers;

/// <summary>ACS: one address, an alias per method, errors inside answers of success; vouchers count only from a list that closes the day, which wants all of them printed.</summary>
public sealed class AcsDouble : LocalCarrier
{
    private readonly HashSet<string> _printed = [];
    private readonly Dictionary<string, List<string>> _lists = [];

    protected override string OperationOf(CarrierRequest r) => Text(r.Body, "ACSAlias") switch
    {
        "ACS_Create_Voucher" => "create", "ACS_Print_Voucher" => "label", "ACS_Trackingsummary" => "track", "ACS_Delete_Voucher" => "cancel", "ACS_Area_Find_By_Zip_Code" => "area", "ACS_Price_Calculation" => "rate",
        "ACS_Issue_Pickup_List" => "manifest", "ACS_Get_Pickup_Lists" => "manifests", "ACS_Print_Pickup_List" => "manifest_paper", var alias => "unknown " + alias,
    };

    protected override (int, string) Answer(string operation, CarrierRequest r)
    {
        Must(r.Headers["AcsApiKey"].ToString() == "acs-key", operation + ": the key is missing");
        var given = r.Body!["ACSInputParameters"]!;
        Must(Text(given, "Company_ID") == "co" && Text(given, "Company_Password") == "acs-company" && Text(given, "User_ID") == "us" && Text(given, "User_Password") == "acs-user", operation + ": the account is not said right");
        return operation switch
        {
            "create" => Create(given), "label" => Print(given), "track" => Track(given), "cancel" => Delete(given), "area" => Area(given), "rate" => Price(given), "manifest" => Issue(given),
            "manifests" => (200, Table("", string.Join(',', _lists.Select(l => $$"""{"Pickup_date":"{{Text(given, "Pickup_Date")}}T00:00:00","Pickup_List_DateTime":"2026-01-05T17:30:00.5","User_ID":"us","PickupList_No":"{{l.Key}}","List_Vouchers_Count":{{l.Value.Count}}}""")))),
            "manifest_paper" => _lists.ContainsKey(Text(given, "Mass_Number")) ? (200, Out($"\"Error_Message\":null,\"ACSObjectOutput\":\"{Convert.ToBase64String("%PDF-1.4 list"u8)}\"")) : (200, Out("\"Error_Message\":\"No list\"")),
            _ => (404, "{}"),
        };
    }

    private (int, string) Create(JsonNode given)
    {
        foreach (var name in new[] { "Pickup_Date", "Sender", "Recipient_Name", "Recipient_Address", "Recipient_Zipcode", "Recipient_Region", "Billing_Code" }) Must(Text(given, name).Length > 0, name + " is missing");
        Must(given["Weight"] is JsonValue w && w.TryGetValue<decimal>(out var kg) && kg >= 0.5m, "Weight must be at least half a kilogram");
        Must(Text(given, "Recipient_Country") != "CY" || given["Content_Type_ID"]?.GetValueKind() == System.Text.Json.JsonValueKind.Number, "Cyprus wants to know what is in it");
        if (Text(given, "Recipient_Zipcode").Length != (Text(given, "Recipient_Country") == "CY" ? 4 : 5)) return (200, Out("\"Voucher_No\":null,\"Error_Message\":\"Invalid zip code\""));
        var (parcel, _) = Take(Text(given, "Reference_Key1"), $"{7_227_889_174 + ByReference.Count}", given);
        return (200, Out($"\"Voucher_No\":\"{parcel.Number}\",\"Voucher_No_Return\":null,\"Error_Message\":\"\""));
    }

    private (int, string) Print(JsonNode given)
    {
        _printed.Add(Text(given, "Voucher_No"));
        return (200, Out($"\"Error_Message\":null,\"ACSObjectOutput\":[{{\"Voucber_No\":\"{Text(given, "Voucher_No")}\",\"PDFData\":\"{Convert.ToBase64String("%PDF-1.4 acs"u8)}\"}}]"));
    }

    /// <summary>The state is as a carrier says it: delivered, returned, reason, status.</summary>
    private (int, string) Track(JsonNode given)
    {
        var said = (Find(Text(given, "Voucher_No"))?.State is { Length: > 0 } state ? state : "0/0//").Split('/');
        return (200, Table("", $$"""{"delivery_flag":{{said[0]}},"returned_flag":{{said[1]}},"non_delivery_reason_code":"{{said[2]}}","shipment_status":{{(said[3].Length > 0 ? said[3] : "null")}},"delivery_info":"ok"}"""));
    }

    private (int, string) Delete(JsonNode given)
    {
        if (Find(Text(given, "Voucher_No")) is not { } gone) return (200, Out("\"Error_Message\":\"No voucher\""));
        if (_lists.Values.Any(l => l.Contains(gone.Number))) return (200, Out("\"Error_Message\":\"Δεν μπορεί να γίνει διαγραφή αποστολής ACS\""));
        gone.Cancelled = true;
        return (200, Out("\"Error_Message\":\"\""));
    }

    private (int, string) Area(JsonNode given)
    {
        Must(Text(given, "Country").Length == 2 && given["Show_Only_Inaccessible_Areas"]?.GetValueKind() == System.Text.Json.JsonValueKind.Number, "an area is asked for by country and with a number");
        return Text(given, "Zip_Code") == "10680" ? (200, Table("", """{"Description":"ΑΘΗΝΑ","Zip_Code":"10680","Station_ID":"ΑΘ","Branch_ID":1,"Inaccessible_Area_Kind":""}""")) : (200, Table("Δεν βρέθηκαν δεδομένα με αυτά τα κριτήρια.", ""));
    }

    private (int, string) Price(JsonNode given)
    {
        Must(Text(given, "Billing_Category") == "2" && Text(given, "Charge_Type") == "2" && Text(given, "Billing_Code").Length > 0 && Text(given, "Pickup_Date").Length == 10, "the price is not asked for as the guide says");
        foreach (var name in new[] { "Weight", "Dimension_X_In_Cm", "Dimension_Y_In_Cm", "Dimension_Z_In_Cm" }) Must(given[name]?.GetValueKind() == System.Text.Json.JsonValueKind.Number, name + " must be a number");
        return Text(given, "Acs_Station_Origin") == "ΑΚ" && Text(given, "Acs_Station_Destination") == "ΑΘ"
            ? (200, Out("\"Basic_Ammount\":11.2200,\"Extra_Service_Ammount\":0.0000,\"Total_Ammount\":11.22,\"Total_Vat_Ammount\":2.69,\"Info_Message\":\"\",\"Error_Message\":\"\""))
            : (200, Out("\"Total_Ammount\":null,\"Error_Message\":\"Άγνωστο κατάστημα παραλαβής\""));
    }

    private (int, string) Issue(JsonNode given)
    {
        Must(Text(given, "Pickup_Date").Length == 10, "Pickup_Date is no day");
        var open = ByReference.Values.Where(p => !p.Cancelled && !_lists.Values.Any(l => l.Contains(p.Number))).Select(p => p.Number).ToList();
        if (open.Where(n => !_printed.Contains(n)).ToList() is { Count: > 0 } unprinted)
            return (200, Table("Αδύνατη η έκδοση λίστας παραλαβής.", string.Join(',', unprinted.Select(n => $$"""{"Unprinted_Vouchers":"{{n}}"}""")), $"\"PickupList_No\":null,\"Unprinted_Found\":{unprinted.Count},"));
        var number = $"{7_227_889_830 + _lists.Count}";
        _lists[number] = open;
        return (200, Out($"\"PickupList_No\":\"{number}\",\"Unprinted_Found\":0,\"Error_Message\":\"\""));
    }

    private static string Out(string row) => $$$"""{"ACSExecution_HasError":false,"ACSExecutionErrorMessage":"","ACSOutputResponce":{"ACSValueOutput":[{{{{row}}}}],"ACSTableOutput":{} } }""";

    private static string Table(string error, string rows, string more = "") =>
        $$$"""{"ACSExecution_HasError":false,"ACSExecutionErrorMessage":"","ACSOutputResponce":{"ACSValueOutput":[{{{{more}}}"Error_Message":"{{{error}}}"}],"ACSTableOutput":{"Table_Data":[{{{rows}}}]} } }""";
}
