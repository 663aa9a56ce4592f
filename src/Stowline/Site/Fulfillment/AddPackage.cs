using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Site.Fulfillment;

/// <summary>A package: grams and millimeters. Lines, where given, say what is in it.</summary>
public sealed record AddPackageBody
{
    public string? PackagingType { get; init; }
    public long WeightG { get; init; }
    public long LengthMm { get; init; }
    public long WidthMm { get; init; }
    public long HeightMm { get; init; }
    public IReadOnlyList<PackageLineBody?>? Lines { get; init; }
}

public sealed record PackageLineBody { public string? Sku { get; init; } public long Quantity { get; init; } }

/// <summary>
/// Adds a package to a packing task in progress (F4). Each call is a new package; an Idempotency-Key guards against doubles. Refusals:
/// <c>packing_task_not_found</c>, <c>invalid_transition</c>, <c>too_many_packages</c>, <c>quantity_exceeds_picked</c>.
/// </summary>
public static class AddPackage
{
    public const int MaxWeightG = 2_000_000;
    public const int MaxSideMm = 10_000;
    public const int MaxPackages = 500;

    /// <summary>L×W×H / 5000: cubic millimeters to grams, rounded up (F4).</summary>
    public static int VolumetricWeightG(int lengthMm, int widthMm, int heightMm) => (int)(((long)lengthMm * widthMm * heightMm + 4999) / 5000);

    internal static string BarcodeOf(long task, int package) => $"PK{task:D11}-{package:D3}";

    public static async ValueTask<Outcome<Package>> DecideAsync(string site, Guid taskId, AddPackageBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var type = CheckSize(body, problems);
        var lines = ReadLines(body.Lines, problems);
        if (problems.Any) return problems.ToRefusal();
        var stem = SsccNumbers.AskStem(site);
        if (await PackingTasks.FindAsync(tx, site, taskId, stem) is not { } loaded) return PackingTasks.NotFound(taskId.ToString());
        var task = loaded.Task;
        if (PackingLifecycle.Check(task.Status, PackingAction.AddPackage) != Transition.Go) return PackingLifecycle.Refuse(task.Number, task.Status, PackingAction.AddPackage);
        if (loaded.Packages.Count >= MaxPackages) return Refusal.Conflict("too_many_packages", $"a packing task has at most {MaxPackages} packages");
        if (TooMany(loaded, lines) is { } no) return no;

        var (length, width, height, weight) = ((int)body.LengthMm, (int)body.WidthMm, (int)body.HeightMm, (int)body.WeightG);
        var volumetric = VolumetricWeightG(length, width, height);
        var sequence = loaded.Packages.Count + 1;
        var package = new Package(sequence, type, weight, length, width, height, volumetric, Math.Max(weight, volumetric), BarcodeOf(task.Number, sequence), lines, tx.Now)
            { Sscc = await SsccNumbers.NextAsync(site, stem, tx) };
        await tx.WriteAsync("""
            INSERT INTO packages (task_id, sequence_number, packaging_type, weight_g, length_mm, width_mm, height_mm, volumetric_weight_g, chargeable_weight_g,
                barcode, lines, created_at, sscc)
            VALUES (@taskId, @sequence, @type, @weight, @length, @width, @height, @volumetric, @chargeable, @barcode, @lines, @now, @sscc)
            """, new
            {
                taskId, sequence, type, weight, length, width, height, volumetric, chargeable = package.ChargeableWeightG, barcode = package.Barcode,
                lines = lines is null ? null : FulfillmentOrders.WriteUnits(lines), now = tx.Now, sscc = package.Sscc,
            });
        tx.Append(Lane.Site(site), new PackageAdded(task.Id, task.Number, task.OrderId, task.Part, sequence, SnakeCaseEnum<PackagingType>.Text(type), weight, length, width, height)
            { Sscc = package.Sscc }, loaded.Subject, task.OrderId);
        tx.Measure<FulfillmentMetrics>(m => m.PackageAdded(site, weight, package.CreatedAt));
        return package;
    }

    internal static PackagingType CheckSize(AddPackageBody body, Problems problems)
    {
        problems.Check(SnakeCaseEnum<PackagingType>.TryParse(body.PackagingType, out var type), "packaging_type", SnakeCaseEnum<PackagingType>.Choices);
        problems.Check(body.WeightG is > 0 and <= MaxWeightG, "weight_g", $"must be 1–{MaxWeightG}");
        problems.Check(body.LengthMm is > 0 and <= MaxSideMm, "length_mm", $"must be 1–{MaxSideMm}");
        problems.Check(body.WidthMm is > 0 and <= MaxSideMm, "width_mm", $"must be 1–{MaxSideMm}");
        problems.Check(body.HeightMm is > 0 and <= MaxSideMm, "height_mm", $"must be 1–{MaxSideMm}");
        return type;
    }

    /// <summary>The lines summed per SKU; null when the package does not say what is in it.</summary>
    private static List<SkuUnits>? ReadLines(IReadOnlyList<PackageLineBody?>? lines, Problems problems)
    {
        if (lines is not { Count: > 0 }) return null;
        if (lines.Count > Limits.MaxOrderLines) problems.Add("lines", $"must be at most {Limits.MaxOrderLines}");
        var sums = new SortedDictionary<string, long>(StringComparer.Ordinal);
        for (var i = 0; i < lines.Count; i++)
        {
            var sku = problems.Code(lines[i]?.Sku, $"lines[{i}].sku");
            var quantity = problems.Quantity(lines[i]?.Quantity ?? 0, $"lines[{i}].quantity");
            sums[sku] = Math.Min(sums.GetValueOrDefault(sku) + quantity, int.MaxValue);
        }
        return [.. sums.Select(s => new SkuUnits(s.Key, (int)s.Value))];
    }

    private static Refusal? TooMany(LoadedPacking loaded, IReadOnlyList<SkuUnits>? lines)
    {
        foreach (var line in lines ?? [])
        {
            var left = loaded.Picked.GetValueOrDefault(line.Sku) - loaded.Named.GetValueOrDefault(line.Sku);
            if (line.Quantity > left) return Refusal.Conflict("quantity_exceeds_picked", $"{left} of {line.Sku} are still to be packed, not {line.Quantity}");
        }
        return null;
    }
}
