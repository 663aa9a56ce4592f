using System.Text.Json.Nodes;

namespace Stowline.Server.OpenApi;

/// <summary>Bodies to copy: those of the tutorial, in its order.</summary>
internal static class Examples
{
    public static readonly IReadOnlyDictionary<string, string> Bodies = new Dictionary<string, string>
    {
        ["PUT /api/v1/sites/{code}"] = """{"name":"Belgrade","type":"warehouse","city":"Belgrade","latitude":44.8,"longitude":20.4}""",
        ["PUT /api/v1/sites/{code}/zones/{zone}"] = """{"name":"Aisles","type":"storage"}""",
        ["PUT /api/v1/sites/{code}/bins/{bin}"] = """{"zone":"A","type":"shelf","aisle":"1","position":"1","level":"1","x_m":2.0,"y_m":1.0}""",
        ["POST /api/v1/sites/{code}/bins/bulk"] = """{"items":[{"bin":"A-01-01","zone":"A","type":"shelf"},{"bin":"A-01-02","zone":"A","type":"shelf"}]}""",
        ["PUT /api/v1/products/{sku}"] = """{"name":"White hanging heart","price":{"amount":"2.55","currency":"GBP"},"weight_g":180}""",
        ["POST /api/v1/products/bulk"] = """{"items":[{"sku":"85123A","name":"White hanging heart","price":{"amount":"2.55","currency":"GBP"},"weight_g":180}]}""",
        ["POST /api/v1/sites/{code}/receipts"] = """{"reference":"PO-1","lines":[{"sku":"85123A","quantity":10,"bin":"A-01-01"},{"sku":"71053","quantity":4,"bin":"A-01-02"}]}""",
        ["POST /api/v1/sites/{code}/adjustments"] = """{"sku":"85123A","bin":"A-01-01","expected":10,"counted":9,"reason":"cycle count"}""",
        ["POST /api/v1/sites/{code}/moves"] = """{"sku":"85123A","quantity":2,"from_bin":"A-01-01","to_bin":"A-01-02","reason":"make room"}""",
        ["POST /api/v1/sites/{code}/sales"] = """{"reference":"till 1-204","lines":[{"sku":"85123A","quantity":2}]}""",
        ["POST /api/v1/sites/{code}/damages"] = """{"sku":"85123A","bin":"A-01-01","quantity":1,"reason":"fell from the shelf"}""",
        ["POST /api/v1/sites/{code}/epoch"] = """{"confirm":true,"skus":["85123A"],"reason":"the hub burnt down"}""",
        ["POST /api/v1/sites/{code}/give-up"] = """{"confirm":true,"reason":"the warehouse burnt down"}""",
        ["POST /api/v1/sites/{code}/take-back"] = """{"confirm":true}""",
        ["PUT /api/v1/pools"] = """{"channel":"allegro-main","sku":"85123A","quantity":20}""",
        ["PUT /api/v1/sites/{code}/policies/{sku}"] = """{"safety_stock":2,"local_share_percent":10}""",
        ["POST /api/v1/orders"] = """
            {"external_id":"536365","channel":"web","fulfillment_type":"ship","customer":{"name":"Ana Anić","email":"ana@example.com"},
             "ship_to":{"line1":"Knez Mihailova 1","city":"Belgrade","postal_code":"11000","country":"RS","latitude":44.81,"longitude":20.46},
             "lines":[{"sku":"85123A","quantity":6,"unit_price":{"amount":"2.55","currency":"GBP"}},{"sku":"71053","quantity":1}]}
            """,
        ["PUT /api/v1/quotes/price-model"] = """
            {"currency":"EUR","sku":"MADE-PART","valid_days":14,"materials":[{"code":"PLA","density_g_cm3":1.24,"price_per_kg":{"amount":"25.00","currency":"EUR"},"waste_percent":5,"min_wall_mm":0.8}],
             "machine":{"rate_per_hour":{"amount":"6.00","currency":"EUR"},"minutes_per_cm3":2.5,"minutes_per_cm2":0.1,"minutes_per_layer":0.05,"layer_mm":0.2,"max_mm":{"x":250,"y":250,"z":300}},
             "setup":{"amount":"5.00","currency":"EUR"},"minimum":{"amount":"10.00","currency":"EUR"},"margin_percent":30,
             "classes":[{"code":"b2b","discount_percent":10,"head_start_minutes":30},{"code":"b2c"}],"quantity_discounts":[{"from":10,"percent":5}]}
            """,
        ["POST /api/v1/quotes"] = """{"material":"PLA","quantity":10,"client":"4711","client_class":"b2b","volume_mm3":24000,"surface_mm2":6800,"box_mm":{"x":60,"y":40,"z":20}}""",
        ["POST /api/v1/quotes/{quote}/cancel"] = """{"reason":"no longer needed"}""",
        ["POST /api/v1/quotes/{quote}/order"] = """{"external_id":"PO-77","channel":"b2b","customer":{"name":"Ana Anić","email":"ana@example.com"},"backorder":true}""",
        ["POST /api/v1/orders/{id}/cancel"] = """{"reason":"the customer changed their mind"}""",
        ["POST /api/v1/orders/{id}/priority"] = """{"priority":"urgent"}""",
        ["PUT /api/v1/workers/{code}"] = """{"name":"Mira Ilić","badge":"B-0042","sites":["WH1"],"roles":["picker","packer"]}""",
        ["POST /api/v1/picking-tasks/{key}/assign"] = """{"worker":"mira"}""",
        ["POST /api/v1/picking-tasks/{key}/items/{item}/pick"] = """{"quantity":6,"bin":"A-01-01"}""",
        ["POST /api/v1/picking-tasks/{key}/items/pick"] = """{"items":[{"item":"1","quantity":6},{"item":"2","quantity":1}]}""",
        ["POST /api/v1/packing-tasks/{key}/start"] = """{"worker":"mira"}""",
        ["POST /api/v1/packing-tasks/{key}/packages"] = """{"packaging_type":"box","weight_g":1500,"length_mm":400,"width_mm":300,"height_mm":200}""",
        ["POST /api/v1/packing-tasks/{key}/ship"] = """{"carrier":"post_express","tracking_number":"PE123"}""",
        ["POST /api/v1/packing-tasks/{key}/book"] = """{"carrier":"d_express","ship":true}""",
        ["PUT /api/v1/sites/{code}/carriers/{carrier}"] = """{"profile":"bex","settings":{"client_id":"326000"},"secrets":{"token":"the account's token"}}""",
        ["POST /api/v1/sites/{code}/carrier-manifests"] = """{"carrier":"acs","date":"2026-01-05"}""",
        ["PUT /api/v1/sites/{code}/shipping-settings"] = """
            {"sender":{"name":"Shop Ltd","line1":"Bulevar Oslobođenja 1","city":"Novi Sad","postal_code":"21000","country":"RS","phone":"021123456"},
             "rules":[{"countries":["RS"],"max_weight_g":30000,"carriers":["bex","d_express"],"automatic":true}]}
            """,
        ["POST /api/v1/carrier-bookings/{key}/cancel"] = """{"reason":"the customer comes to fetch it"}""",
        ["POST /api/v1/carrier-bookings/{key}/resolve"] = """{"tracking_number":"170123456"}""",
        ["POST /api/v1/shipments/{key}/delivered"] = """{"delivered_at":"2026-11-21T10:00:00Z"}""",
        ["POST /api/v1/sites/{code}/returns"] = """{"reference":"RMA-1","order":"1","reason":"too small","lines":[{"sku":"85123A","quantity":1,"condition":"good"}]}""",
        ["PUT /api/v1/routing/rules/{name}"] = """
            {"priority":10,"conditions":{"customer_city":["Belgrade","Novi Sad"],"order_value_range":{"min":1000,"max":50000},"time_of_day":{"from":"09:00","to":"18:00","time_zone":"Europe/Belgrade"}},
             "strategy":"cheapest","strategy_params":{"cost_per_km":0.4,"handling_cost":3,"site_costs":{"WH2":1.5},"max_split":2}}
            """,
        ["POST /api/v1/routing/simulate"] = """{"last":200,"rules":[{"name":"south","strategy":"nearest","conditions":{"customer_city":["Niš"]},"strategy_params":{"prefer_sites":["SHOP"]}}]}""",
        ["POST /api/v1/system/erasures"] = """{"email":"ana@example.com"}""",
    };

    /// <summary>New each time: a node of a document has one parent.</summary>
    public static JsonNode Problem => JsonNode.Parse("""
        {"type":"https://stowline.dev/problems/invalid_request","title":"Invalid request","status":400,"detail":"lines[0].quantity is required","code":"invalid_request",
         "trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","errors":{"lines[0].quantity":["is required"]}}
        """)!;
}
