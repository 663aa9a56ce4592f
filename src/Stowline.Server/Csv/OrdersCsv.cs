using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Server.Retail;

namespace Stowline.Server.Csv;

/// <summary>
/// Orders, a row per line: the rows with one channel and external id are one order, whose other fields stand on its first row. An order that
/// exists already is left alone. One that is refused, for want of stock for example, is told and does not stop the others.
/// </summary>
internal sealed class OrdersCsv(NodeCalls calls, Caller caller) : CsvTarget
{
    private const int Together = 64;
    private sealed record Pending(OrderBody Body, int Line, List<int> Lines);

    private readonly Dictionary<(string, string), Pending> _orders = [];
    private readonly List<(AcceptOrder Order, int Line)> _checked = [];

    public override string Kind => "orders";
    public override IReadOnlyList<string> Columns =>
    [
        "external_id", "channel", "sku", "quantity", "unit_price", "unit_price_currency", "fulfillment_type", "pickup_site", "priority", "note", "backorder",
        "customer_name", "customer_email", "customer_phone", "name", "line1", "line2", "city", "region", "postal_code", "country", "latitude", "longitude",
    ];
    public override IReadOnlyList<string> Required => ["external_id", "sku", "quantity"];

    public override void Take(CsvRow row)
    {
        if (row.Text("external_id") is not { } external) { Bad.Add(row.Line, "external_id", "is required: by it an order is known again"); return; }
        var before = Bad.Total;
        var line = new OrderLineBody(row.Text("sku"), row.Whole("quantity"), row.Price("unit_price"));
        var key = (row.Text("channel") ?? "csv", external);
        if (!_orders.TryGetValue(key, out var order)) _orders[key] = order = new Pending(Head(row, key), row.Line, []);
        if (Bad.Total > before) return;
        order.Body.Lines!.Add(line);
        order.Lines.Add(row.Line);
    }

    private static OrderBody Head(CsvRow row, (string Channel, string ExternalId) key)
    {
        var customer = new CustomerDetails(row.Text("customer_name"), row.Text("customer_email"), row.Text("customer_phone"));
        var to = new AddressDetails(row.Text("name"), row.Text("line1"), row.Text("line2"), row.Text("city"), row.Text("region"), row.Text("postal_code"),
            row.Text("country"), row.Number("latitude"), row.Number("longitude"));
        return new OrderBody
        {
            ExternalId = key.ExternalId, Channel = key.Channel, FulfillmentType = row.Word<FulfillmentType>("fulfillment_type"), PickupSite = row.Text("pickup_site"),
            Priority = row.Word<Priority>("priority"), Note = row.Text("note"), Backorder = row.Flag("backorder"), Lines = [],
            Customer = customer == new CustomerDetails(null, null, null) ? null : customer,
            ShipTo = to == new AddressDetails(null, null, null, null, null, null, null, null, null) ? null : to,
        };
    }

    public override async Task CheckAsync(CancellationToken ct)
    {
        foreach (var order in _orders.Values)
        {
            var accept = AcceptOrder.From(order.Body, calls.Node.Ids);
            if (accept.IsOk) _checked.Add((accept.Value, order.Line));
            else Tell(order, accept.Refusal!);
        }
        foreach (var chunk in _orders.Values.Chunk(1_000))
        {
            var lines = chunk.SelectMany(o => o.Body.Lines!.Select((l, i) => (Sku: l!.Sku?.Trim(), Line: o.Lines[i]))).Where(l => l.Sku is not null).ToList();
            var known = await calls.Node.Database.ReadAsync(s => ReadProducts.FindAllAsync(s, [.. lines.Select(l => l.Sku!)]), ct);
            foreach (var (sku, line) in lines)
                if (!known.ContainsKey(sku!)) Bad.Add(line, "sku", $"there is no product {sku}");
        }
    }

    /// <summary>What is wrong with <c>lines[2].quantity</c> is wrong on that line of the file.</summary>
    private void Tell(Pending order, Refusal refusal)
    {
        foreach (var (field, messages) in refusal.Errors!)
        {
            var close = field.IndexOf("].", StringComparison.Ordinal);
            var isLine = field.StartsWith("lines[", StringComparison.Ordinal) && close > 0;
            Bad.Add(isLine ? order.Lines[int.Parse(field.AsSpan(6, close - 6), System.Globalization.CultureInfo.InvariantCulture)] : order.Line,
                isLine ? field[(close + 2)..] : field, messages[0]);
        }
    }

    public override async Task<Written> WriteAsync(Action<int, int> done, CancellationToken ct)
    {
        var intake = calls.Node.Modules.OfType<OrderingModule>().Single().Intake!;
        int created = 0, existing = 0, read = 0;
        var refused = new List<RefusedRow>();
        foreach (var chunk in _checked.Chunk(Together))
        {
            var results = await Task.WhenAll(chunk.Select(o => calls.TryAsync(() => intake.AcceptAsync(o.Order, caller, ct), ct)));
            for (var i = 0; i < chunk.Length; i++)
            {
                if (results[i].Outcome.Refusal is { } no) refused.Add(new RefusedRow(chunk[i].Line, no.Code, no.Detail));
                else if (results[i].Outcome.Existing) existing++;
                else created++;
            }
            done(read += chunk.Length, _checked.Count);
        }
        return new Written(created, 0, existing) { Refused = refused };
    }
}
