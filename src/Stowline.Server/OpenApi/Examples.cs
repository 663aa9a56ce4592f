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
        ["POST /api/v1/sites/{code}/damages"] = """{"sku":"85123A","bin":"A-01-01","quantity":1,"reason":"fell from the shelf"}""",
        ["PUT /api/v1/sites/{code}/policies/{sku}"] = """{"safety_stock":2,"local_share_percent":10}""",
        ["POST /api/v1/orders"] = """
            {"external_id":"536365","channel":"web","fulfillment_type":"ship","customer":{"name":"Ana Anić","email":"ana@example.com"},
             "ship_to":{"line1":"Knez Mihailova 1","city":"Belgrade","postal_code":"11000","country":"RS","latitude":44.81,"longitude":20.46},
             "lines":[{"sku":"85123A","quantity":6,"unit_price":{"amount":"2.55","currency":"GBP"}},{"sku":"71053","quantity":1}]}
            """,
        ["POST /api/v1/orders/{id}/cancel"] = """{"reason":"the customer changed their mind"}""",
        ["POST /api/v1/orders/{id}/priority"] = """{"priority":"urgent"}""",
        ["PUT /api/v1/workers/{code}"] = """{"name":"Mira Ilić","badge":"B-0042","sites":["WH1"],"roles":["picker","packer"]}""",
        ["POST /api/v1/picking-tasks/{key}/assign"] = """{"worker":"mira"}""",
        ["POST /api/v1/picking-tasks/{key}/items/{item}/pick"] = """{"quantity":6,"bin":"A-01-01"}""",
        ["POST /api/v1/picking-tasks/{key}/items/pick"] = """{"items":[{"item":"1","quantity":6},{"item":"2","quantity":1}]}""",
        ["POST /api/v1/packing-tasks/{key}/start"] = """{"worker":"mira"}""",
        ["POST /api/v1/packing-tasks/{key}/packages"] = """{"packaging_type":"box","weight_g":1500,"length_mm":400,"width_mm":300,"height_mm":200}""",
        ["POST /api/v1/packing-tasks/{key}/ship"] = """{"carrier":"post_express","tracking_number":"PE123"}""",
        ["POST /api/v1/sites/{code}/returns"] = """{"reference":"RMA-1","order":"1","reason":"too small","lines":[{"sku":"85123A","quantity":1,"condition":"good"}]}""",
        ["POST /api/v1/system/erasures"] = """{"email":"ana@example.com"}""",
    };

    /// <summary>New each time: a node of a document has one parent.</summary>
    public static JsonNode Problem => JsonNode.Parse("""
        {"type":"https://stowline.dev/problems/invalid_request","title":"Invalid request","status":400,"detail":"lines[0].quantity is required","code":"invalid_request",
         "trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","errors":{"lines[0].quantity":["is required"]}}
        """)!;
}
