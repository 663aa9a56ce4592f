namespace Stowline.Hub.Channels;

/// <summary>An offer and what it is to be set to.</summary>
internal sealed record OfferQuantity(string Offer, long Quantity);

/// <summary>What a marketplace says of a command that it was given.</summary>
internal enum CommandState { Unknown, Working, Finished }

/// <param name="Failed">Of a finished command: offer → why not.</param>
/// <param name="Set">The offers that were set; null for all that did not fail.</param>
internal sealed record CommandReport(CommandState State, IReadOnlyDictionary<string, string> Failed, IReadOnlySet<string>? Set = null)
{
    public const string Unheard = "the marketplace does not know this offer as this account's";

    /// <summary>Why an offer was not set; null when it was.</summary>
    public string? WhyNot(string offer) => Failed.TryGetValue(offer, out var why) ? why : Set is null || Set.Contains(offer) ? null : Unheard;

    public static readonly CommandReport AllSet = new(CommandState.Finished, new Dictionary<string, string>());
    public static readonly CommandReport Unknown = new(CommandState.Unknown, new Dictionary<string, string>());
    public static readonly CommandReport Working = new(CommandState.Working, new Dictionary<string, string>());
}

/// <summary>What a marketplace shows of an offer.</summary>
/// <param name="Sku">Where the marketplace keeps the seller's own code.</param>
internal sealed record ShownOffer(string Offer, string? Sku, long? Quantity);

/// <param name="Next">Where to go on; null at the end.</param>
internal sealed record ShownPage(IReadOnlyList<ShownOffer> Offers, string? Next);

/// <summary>
/// How stock is set and read at one kind of marketplace. Nothing here knows of operations, retries or the database.
/// </summary>
internal interface IShop
{
    /// <summary>Which offers may travel in one call with this one, those of its group, and how many in all.</summary>
    (string Group, int Most) CallOf(string offer);

    /// <summary>All offers of one call must be set to the same quantity.</summary>
    bool SameQuantity { get; }

    /// <summary>
    /// A call is taken first and reported on later, and is known by its id: it may be repeated and asked about. Else the answer tells all, and a repeat sets the same quantity again.
    /// </summary>
    bool Reports { get; }

    /// <summary>Whether what is shown can be read.</summary>
    bool CanRead { get; }

    /// <summary>What an answer that was success says of each offer, where <see cref="Reports"/> is not so.</summary>
    /// <param name="offers">What was to be set.</param>
    CommandReport ReportIn(CallAnswer answer, IReadOnlyList<OfferQuantity> offers) => CommandReport.AllSet;

    Task<CallAnswer> SetAsync(Guid command, IReadOnlyList<OfferQuantity> offers, CancellationToken ct);

    /// <summary>Only where <see cref="Reports"/>.</summary>
    Task<(CallAnswer Answer, CommandReport? Report)> LookAsync(Guid command, int offers, CancellationToken ct);

    /// <summary>Reads what is shown, page by page. Some marketplaces are asked for these very offers, others tell of all theirs.</summary>
    Task<(CallAnswer Answer, ShownPage? Page)> ReadAsync(IReadOnlyList<string> offers, string? from, int batch, CancellationToken ct);
}
