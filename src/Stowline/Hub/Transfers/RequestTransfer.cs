using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Catalog;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Transfers;

/// <summary>What is to go from where to where.</summary>
public sealed record TransferBody(string? From, string? To, IReadOnlyList<TransferLineBody?>? Lines, Priority? Priority, string? Reason);

/// <summary>Units of one SKU.</summary>
public sealed record TransferLineBody(string? Sku, long? Quantity);

/// <summary>
/// Sends units from one site to another (W5). They are promised to the transfer out of the sending site's allotment, all or none, and picked, packed and shipped there like a part of an order
/// (fulfillment type <c>transfer</c>); then they are in transit until the receiving site takes them in, which grants them anew. Refuses with 404 <c>site_not_found</c>, 409 <c>insufficient_stock</c>.
/// </summary>
public static class RequestTransfer
{
    /// <summary>The channel of a transfer's part at its site.</summary>
    public const string Channel = "transfer";
    private const int MostLines = 2_000;

    internal static void Map(IEndpointRouteBuilder api, Node node) =>
        // Two hops, so that at a local site the picking task is there already.
        api.Post("/transfers", http => Commands.RunAsync<TransferBody, TransferView>(http, node.Lanes, Lane.Hub, (body, tx) => DecideAsync(body, tx, node.Lanes.IsShut), 201,
                t => "/api/v1/transfers/" + t.Id, hops: 2))
            .WithTags("Transfers").WithSummary("Send units from one site to another").Accepts<TransferBody>("application/json").Produces<TransferView>(201);

    /// <param name="isShut">Sites from which nothing may be promised for now.</param>
    public static async ValueTask<Outcome<TransferView>> DecideAsync(TransferBody body, LaneTransaction tx, Func<string, bool>? isShut = null)
    {
        var problems = new Problems();
        var (from, to) = (problems.Code(body.From, "from"), problems.Code(body.To, "to"));
        problems.Check(from.Length == 0 || from != to, "to", "must be another site than from");
        var reason = problems.Text(body.Reason?.Trim(), "reason", 200);
        var lines = Check(body, problems);
        if (problems.Any) return problems.ToRefusal();
        if (!await ReadSites.ExistsAsync(tx, from)) return NoSite(from, "from");
        if (await ReadSites.AddressAsync(tx, to) is not { } address) return NoSite(to, "to");
        if (await GivenUpSites.FindAsync(tx, to) is not null) return Refusal.Conflict("site_given_up", $"{to} was given up; nothing is sent there");

        var allotments = await Allotments.LoadAsync(tx, [.. lines.Select(l => l.Sku)]);
        var free = allotments.For(Channel, lines.Select(l => l.Sku)); // what is kept for channels is not there for transfers
        var missing = lines.Select(l => new MissingUnits(l.Sku, l.Quantity, Free(free, l.Sku, from, isShut))).Where(m => m.Available < m.Requested).ToList();
        if (missing.Count > 0)
            return Refusal.Conflict("insufficient_stock", $"{from} cannot give " + string.Join(", ", missing.Take(5).Select(m => $"{m.Sku} ({m.Requested} wanted, {m.Available} free)")),
                new Dictionary<string, object?> { ["missing"] = missing });
        foreach (var line in lines) allotments.At(line.Sku, from)!.Promise(line.Quantity);
        await allotments.WriteAsync(tx);
        var row = new TransferRow
        {
            Id = tx.NewId(), Number = await tx.NextNumberAsync("order", Lane.Hub), FromSite = from, ToSite = to, Status = TransferStatus.Requested, Priority = body.Priority ?? Priority.Normal,
            Reason = string.IsNullOrEmpty(reason) ? null : reason, RequestedAt = tx.Now,
        };
        row.Lines = [.. lines.Select(l => new TransferLineRow { TransferId = row.Id, Sku = l.Sku, Requested = l.Quantity })];
        await TransferRows.InsertAsync(tx, row);
        await TellAsync(tx, row, lines, address);
        return row.View();
    }

    private static int Free(Allotments allotments, string sku, string site, Func<string, bool>? isShut) =>
        isShut?.Invoke(site) == true ? 0 : (int)Math.Clamp(allotments.At(sku, site)?.Free ?? 0, 0, int.MaxValue);

    private static Refusal NoSite(string site, string field) =>
        Refusal.NotFound("site_not_found", $"there is no site {site}") with { Errors = new Dictionary<string, string[]> { [field] = ["does not exist"] } };

    /// <summary>
    /// The site gets the address like an order's, sealed, so its labels show it. Numbers are those of orders, because tasks and labels show the one or the other in the same place.
    /// </summary>
    private static async ValueTask TellAsync(LaneTransaction tx, TransferRow row, IReadOnlyList<SkuUnits> lines, AddressDetails address)
    {
        var subject = row.Id.ToString();
        tx.Append(Lane.Hub, new TransferRequested(row.Id, row.Number, row.FromSite, row.ToSite, lines, row.Priority, row.Reason), subject, row.Id);
        var keys = await Personal.KeysAsync(tx, [row.Id]);
        var personal = Personal.Encrypt(keys[row.Id], JsonSerializer.SerializeToUtf8Bytes(new PersonalDetails(null, address), ContractsJson.Default.PersonalDetails), Personal.IdsOf(tx));
        tx.Append(Lane.HubTo(row.FromSite), new PartAssigned(row.Id, 1, row.Number, Channel, $"{row.Number}", "transfer", row.Priority, lines, row.Id, personal, $"to {row.ToSite}", false)
        {
            Transfer = new TransferFacts(row.ToSite, row.Reason),
        }, subject, row.Id);
    }

    private static List<SkuUnits> Check(TransferBody body, Problems problems)
    {
        var count = body.Lines?.Count ?? 0;
        problems.Check(count > 0, "lines", "is required");
        problems.Check(count <= MostLines, "lines", $"must be at most {MostLines}");
        var lines = new List<SkuUnits>();
        for (var i = 0; i < Math.Min(count, MostLines); i++)
        {
            if (body.Lines![i] is not { } line) { problems.Add($"lines[{i}]", "must not be null"); continue; }
            lines.Add(new SkuUnits(problems.Code(line.Sku, $"lines[{i}].sku"), problems.Quantity(line.Quantity ?? 0, $"lines[{i}].quantity")));
        }
        var sums = lines.GroupBy(l => l.Sku, StringComparer.Ordinal).Select(g => (Sku: g.Key, Units: g.Sum(l => (long)l.Quantity))).ToList();
        problems.Check(sums.TrueForAll(s => s.Units <= Limits.MaxQuantity), "lines", $"add up to more than {Limits.MaxQuantity} units of a SKU");
        return problems.Any ? [] : [.. sums.Select(s => new SkuUnits(s.Sku, (int)s.Units))];
    }
}
