using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.People;

/// <summary>Who is meant by a code, a badge or a name, as far as the site knows the workers.</summary>
public static class WorkerBook
{
    /// <summary>A worker who was found.</summary>
    public sealed record Known
    {
        public string Code { get; init; } = "";
        public bool Active { get; init; }
    }

    /// <summary>Asks who is meant, together with other questions; <see cref="Who"/> tells the answer.</summary>
    public static Question<Known> Ask(string site, string given) =>
        new("SELECT code, active FROM site_workers WHERE site = @site AND (code = @given OR badge = @given)", new { site, given });

    /// <summary>
    /// The code of the worker whose code or badge this is; any other text is a name and stays as it is. Somebody who is not registered counts
    /// as active: a helper for a day must be able to work.
    /// </summary>
    public static async ValueTask<(string Name, bool IsActive)> WhoAsync(LaneTransaction tx, string site, string given)
    {
        var asked = Ask(site, given);
        await tx.AskAsync(asked);
        return Who(asked, given);
    }

    /// <summary>As <see cref="WhoAsync"/>, of an answer that came with others.</summary>
    public static (string Name, bool IsActive) Who(Question<Known> asked, string given) => asked.Rows is [var known, ..] ? (known.Code, known.Active) : (given, true);

    public static Refusal Inactive(string worker) => Refusal.Conflict("worker_inactive", $"the worker {worker} is not active");
}
