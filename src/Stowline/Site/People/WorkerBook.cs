using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Site.People;

/// <summary>Who is meant by a code, a badge or a name, as far as the site knows the workers.</summary>
public static class WorkerBook
{
    private sealed record Row
    {
        public string Code { get; init; } = "";
        public bool Active { get; init; }
    }

    /// <summary>
    /// The code of the worker whose code or badge this is; any other text is a name and stays as it is. Somebody who is not registered counts
    /// as active: a helper for a day must be able to work.
    /// </summary>
    public static async ValueTask<(string Name, bool IsActive)> WhoAsync(LaneTransaction tx, string site, string given) =>
        await tx.FindAsync<Row>("SELECT code, active FROM site_workers WHERE site = @site AND (code = @given OR badge = @given)", new { site, given }) is { } known
            ? (known.Code, known.Active) : (given, true);

    public static Refusal Inactive(string worker) => Refusal.Conflict("worker_inactive", $"the worker {worker} is not active");
}
