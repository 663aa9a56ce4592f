using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// Sets the packaging, weight and sides of a packing task's only package (source 2 §2.3): makes it when there is none, changes it when there is one.
/// The same again changes nothing. Refusals: those of <see cref="AddPackage"/>, and <c>several_packages</c>.
/// </summary>
public static class SetPackage
{
    /// <param name="body">Without lines: what is in the package does not change.</param>
    public static async ValueTask<Outcome<PackingTask>> DecideAsync(string site, Guid taskId, AddPackageBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var type = AddPackage.CheckSize(body, problems);
        if (problems.Any) return problems.ToRefusal();
        if (await PackingTasks.FindAsync(tx, site, taskId) is not { } loaded) return PackingTasks.NotFound(taskId.ToString());
        var task = loaded.Task;
        if (loaded.Packages.Count > 1) return Refusal.Conflict("several_packages", $"packing task {task.Number} has {loaded.Packages.Count} packages: which one is meant?");
        if (loaded.Packages.Count == 0)
        {
            var added = await AddPackage.DecideAsync(site, taskId, body with { Lines = null }, tx);
            return added.Refusal is { } no ? no : await PackingTasks.ShowAsync(tx, site, taskId);
        }
        if (PackingLifecycle.Check(task.Status, PackingAction.AddPackage) != Transition.Go) return PackingLifecycle.Refuse(task.Number, task.Status, PackingAction.AddPackage);

        var (length, width, height, weight) = ((int)body.LengthMm, (int)body.WidthMm, (int)body.HeightMm, (int)body.WeightG);
        var only = loaded.Packages[0];
        if ((only.PackagingType, only.WeightG, only.LengthMm, only.WidthMm, only.HeightMm) == (type, weight, length, width, height))
            return Outcome<PackingTask>.AlreadyDone(loaded.Shown());
        var volumetric = AddPackage.VolumetricWeightG(length, width, height);
        await tx.WriteAsync("""
            UPDATE packages SET packaging_type = @type, weight_g = @weight, length_mm = @length, width_mm = @width, height_mm = @height,
                volumetric_weight_g = @volumetric, chargeable_weight_g = @chargeable
            WHERE task_id = @taskId AND sequence_number = @sequence
            """, new { taskId, sequence = only.SequenceNumber, type, weight, length, width, height, volumetric, chargeable = Math.Max(weight, volumetric) });
        tx.Append(Lane.Site(site), new PackageChanged(task.Id, task.Number, task.OrderId, task.Part, only.SequenceNumber, SnakeCaseEnum<PackagingType>.Text(type),
            weight, length, width, height), loaded.Subject, task.OrderId);
        return await PackingTasks.ShowAsync(tx, site, taskId);
    }
}
