using Microsoft.AspNetCore.Http;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Store;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>The label that a carrier gave, as it came (F6). Refusals: those of <see cref="Labels"/>, <c>no_carrier_label</c>.</summary>
internal static class CarrierLabels
{
    private sealed record Row { public string? LabelType { get; init; } public byte[]? Label { get; init; } public Guid PersonId { get; init; } public string? TrackingNumber { get; init; } }

    public static async Task WriteAsync(HttpContext http, Database database, string key)
    {
        if (await TaskInput.FindAsync(database, PackingEndpoints.Table, key, http.RequestAborted) is not { } task) { await Answers.WriteAsync(http, PackingTasks.NotFound(key)); return; }
        var (row, content) = await database.ReadAsync(async s =>
        {
            var found = await s.FindAsync<Row>("SELECT label_type, label, person_id, tracking_number FROM carrier_bookings WHERE packing_task_id = @id AND status = @booked", new { id = task.Id, booked = BookingStatus.Booked });
            return (found, found?.Label is null ? null : Personal.Decrypt(await Personal.KeyAsync(s, found.PersonId), found.Label));
        }, http.RequestAborted);
        if (content is null)
        {
            await Answers.WriteAsync(http, Refusal.NotFound("no_carrier_label", row is null ? "the task is not booked with a carrier" : "the carrier has given no label (yet), or the person was erased; format=zpl is ours"));
            return;
        }
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        var extension = row!.LabelType switch { "application/pdf" => "pdf", "image/png" => "png", "image/jpeg" => "jpg", "image/gif" => "gif", "application/zpl" => "zpl", _ => "bin" };
        http.Response.Headers.ContentDisposition = $"inline; filename=\"label.{extension}\"";
        await Answers.WriteBytesAsync(http, 200, null, content, row.LabelType!);
    }
}
