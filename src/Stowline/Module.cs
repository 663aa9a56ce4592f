using Microsoft.AspNetCore.Routing;
using Stowline.Log;
using Stowline.Store;

namespace Stowline;

/// <summary>What a module brings to a node: its endpoints, its consumers, its checks. One registration line each in <see cref="Node"/>.</summary>
public abstract class Module
{
    public abstract string Name { get; }

    /// <summary>Maps the module's endpoints under <c>/api/v1</c>.</summary>
    public virtual void Map(IEndpointRouteBuilder api, Node node) { }

    /// <summary>The module's consumers of a site's two lanes, made when the site becomes known.</summary>
    public virtual IEnumerable<(Consumer Consumer, Lane Source)> ConsumersFor(string site, Node node) => [];

    /// <summary>Loads what the module keeps in memory, once, before the node is ready.</summary>
    public virtual Task StartAsync(Node node, CancellationToken ct) => Task.CompletedTask;

    /// <summary>What else the module does by itself, beside its consumers: made once, after <see cref="StartAsync"/>.</summary>
    public virtual IEnumerable<Pump> Pumps(Node node) => [];

    /// <summary>Orders that the module sees standing still for longer than the rules allow (H1): at most <paramref name="limit"/> per rule, oldest first.</summary>
    public virtual Task<IReadOnlyList<StuckWork>> StuckAsync(SqlSession session, StuckRules rules, DateTimeOffset now, int limit) =>
        Task.FromResult<IReadOnlyList<StuckWork>>([]);

    /// <summary>Why a site cannot be given to a node of its own yet, as far as this module knows: what of it is here. Null when nothing is.</summary>
    public virtual Task<string?> FindHeldAsync(SqlSession session, string site) => Task.FromResult<string?>(null);

    /// <summary>Where the module keeps rows of sites, for moving one out to a node of its own. Rows that hang on others' come before those.</summary>
    public virtual IReadOnlyList<SiteTable> SiteTables => [];

    /// <summary>
    /// A site is moved out, at this very moment: brings the copies that this node will show to what the site's own rows say, and sets the consumers of copies at the end of the site's lane. Nothing may be
    /// appended.
    /// </summary>
    public virtual ValueTask MoveOutAsync(string site, LaneTransaction tx) => ValueTask.CompletedTask;

    /// <summary>The node of a site that was moved out was heard for the first time: the site's rows are about to be deleted here. Nothing may be appended.</summary>
    public virtual ValueTask LetGoAsync(string site, LaneTransaction tx) => ValueTask.CompletedTask;

    /// <summary>
    /// The id of an order given by its number or as <c>channel:external_id</c>; null when the module does not know orders or not this one. A site's modules are for the node of a site:
    /// the hub's know all that they do.
    /// </summary>
    public virtual Task<Guid?> FindOrderAsync(SqlSession session, string order, NodeRole role) => Task.FromResult<Guid?>(null);

    /// <summary>The person behind an order, for erasing by order; null when the module does not know orders or not this one.</summary>
    public virtual Task<Guid?> FindPersonOfOrderAsync(SqlSession session, string order) => Task.FromResult<Guid?>(null);

    /// <summary>
    /// The site that a resource outside <c>/sites</c> belongs to, such as <c>picking-tasks</c> 17; null when the module does not know it. For
    /// keys that are limited to sites.
    /// </summary>
    public virtual Task<string?> FindSiteOfAsync(Database database, string resource, string key, CancellationToken ct) => Task.FromResult<string?>(null);

    /// <summary>Whether <see cref="RecoverAsync"/> brings what events of this type tell into the module's tables, or they tell nothing that is in tables.</summary>
    public virtual bool Recovers(string type) => false;

    /// <summary>
    /// After a restore: brings events of this node's own lanes, which copies have given back, into the module's tables. Each event once, in the order of its lane; the tables stand
    /// where they stood before the first of them. Nothing may be appended. The site is that of the link over which they came.
    /// </summary>
    public virtual ValueTask RecoverAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx) => ValueTask.CompletedTask;

    /// <summary>All of them are here: for what follows from them together. Nothing may be appended.</summary>
    public virtual ValueTask FinishRecoveryAsync(string site, LaneTransaction tx) => ValueTask.CompletedTask;

    /// <summary>An operator has confirmed: the lanes can be written again.</summary>
    public virtual ValueTask GoOnAsync(string site, LaneTransaction tx) => ValueTask.CompletedTask;

    /// <summary>As <see cref="GoOnAsync"/> and before it, where an operator has excluded sites: what they were told is not known, and may come later.</summary>
    public virtual ValueTask LeaveOutAsync(LaneTransaction tx) => ValueTask.CompletedTask;

    /// <summary>Why events of another history of this node's lanes cannot be brought into the module's tables; null when they can. Writes nothing.</summary>
    public virtual ValueTask<string?> FindClashAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx) => ValueTask.FromResult<string?>(null);

    /// <summary>
    /// Brings events of another history of this node's lanes into the module's tables: the node went on without this site after a restore, and what the site had been told before comes late
    /// (decision 0029). Each event once; the tables are those of now.
    /// </summary>
    public virtual ValueTask JoinAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx) => RecoverAsync(site, events, tx);

    /// <summary>All of them are here, and what the site has done since is in the books: for what follows from them together.</summary>
    public virtual ValueTask JoinedAsync(string site, LaneTransaction tx) => ValueTask.CompletedTask;

    /// <summary>
    /// The things, such as <c>product/A</c>, of which an event says how they are from then on, where a later event of its type has the last word: of two histories the newer one.
    /// </summary>
    public virtual IEnumerable<string> Settles(EventRecord e) => [];

    /// <summary>Those of the orders that the module still has in its tables: the log keeps their events when it is archived.</summary>
    public virtual Task<IReadOnlyCollection<Guid>> LiveOrdersAsync(SqlSession session, IReadOnlyList<Guid> orders) => Task.FromResult<IReadOnlyCollection<Guid>>([]);

    /// <summary>The module's part of <c>stowline verify</c>: name → null when well, else what is wrong. Runs on one snapshot.</summary>
    public virtual IEnumerable<(string Check, Func<SqlSession, Task<string?>> Run)> Checks(Node node) => [];
}
