using Stowline.Contracts;
using Stowline.Hub.Quotes.Mesh;
using Stowline.Log;

namespace Stowline.Hub.Quotes;

/// <summary>
/// Deletes model files once an hour: those of quotes that ended 30 days ago, and those that no quote has, because the process ended between writing the file and
/// storing the quote. A file younger than a day may still be in somebody's hands.
/// </summary>
internal sealed class QuoteCleaning(Node node, ModelFolder folder) : Pump
{
    /// <summary>How long a file is kept after its quote has ended, for calculating again and for the workshop.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(30);
    private static readonly TimeSpan Between = TimeSpan.FromHours(1);
    private static readonly TimeSpan InHands = TimeSpan.FromDays(1);
    private readonly Rest _rest = new(node.Time);

    public override string Name => "model clean-up";
    public override TimeSpan Idle => TimeSpan.FromMinutes(10);

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var now = node.Time.GetUtcNow();
        if (!_rest.IsOver || folder.Root is not { } root || !Directory.Exists(root)) return false;
        foreach (var file in Directory.EnumerateFiles(root))
        {
            if (Path.GetFileName(file) == "folder.id" || File.GetLastWriteTimeUtc(file) > (now - InHands).UtcDateTime) continue;
            if (!await IsNeededAsync(file, now, ct)) File.Delete(file);
        }
        _rest.For(Between);
        return false;
    }

    private async Task<bool> IsNeededAsync(string file, DateTimeOffset now, CancellationToken ct)
    {
        if (!SnakeCaseEnum<ModelFormat>.TryParse(Path.GetExtension(file).TrimStart('.'), out _) || !Guid.TryParse(Path.GetFileNameWithoutExtension(file), out var id)) return false;
        var row = await node.Database.ReadAsync(session => QuoteRow.FindAsync(session, id), ct);
        return row is not null && (row.FinishedAt is not { } ended || ended > now - Kept);
    }
}
