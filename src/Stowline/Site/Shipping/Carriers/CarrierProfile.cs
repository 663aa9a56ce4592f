using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Kernel;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>What is done when the answer to a purchase was lost, so that nothing is bought twice.</summary>
[JsonConverter(typeof(SnakeCaseEnum<LostAnswer>))]
public enum LostAnswer
{
    /// <summary>Nothing by itself: somebody must look at the carrier's, and say.</summary>
    Ask = 1,
    /// <summary>The reference is looked up; bought again only when the carrier does not know it.</summary>
    Find = 2,
    /// <summary>The same request is sent again: the carrier takes a repeated reference for the same parcel.</summary>
    Repeat = 3,
}

/// <summary>
/// How a carrier's HTTP API is spoken, as data (F5): addresses, headers, bodies as templates (<see cref="Template"/>), what counts as success, where in the answer things
/// stand, and what its status codes mean. docs/carriers.md describes it.
/// </summary>
public sealed record CarrierProfile
{
    public string Name { get; init; } = "";
    public string Title { get; init; } = "";
    /// <summary>Where it is reached; a carrier's own <c>url</c> goes before it.</summary>
    public string Url { get; init; } = "";
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
    /// <summary>HTTP Basic credentials before they are encoded, for example <c>{secrets.user}:{secrets.password}</c>.</summary>
    public string? Basic { get; init; }
    /// <summary>Names of settings that must be given; those with a ? may be.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];
    public IReadOnlyList<string> Secrets { get; init; } = [];
    public int TimeoutS { get; init; } = 15;
    /// <summary>Calls at the same time, of one process.</summary>
    public int Parallel { get; init; } = 4;
    public LostAnswer AfterLoss { get; init; } = LostAnswer.Ask;
    /// <summary>How long after a lost answer the carrier is asked again: the request may still be under way there.</summary>
    public int SettleS { get; init; } = 30;
    /// <summary>Further statuses that mean "not now", such as 406.</summary>
    public IReadOnlyList<int> BusyStatuses { get; init; } = [];
    /// <summary>The carrier's parcel numbers come from a range that it gave out, and are made here.</summary>
    public OwnNumbers? Numbers { get; init; }
    /// <summary>Of the times in its answers that do not say (IANA).</summary>
    public string TimeZone { get; init; } = "UTC";
    public IReadOnlyList<string> TimeFormats { get; init; } = [];
    public int MaxPackages { get; init; } = 500;
    public int TrackEveryM { get; init; } = 60;
    /// <summary>The carrier's status codes in our words; what is not in it is <c>unknown</c> and only kept.</summary>
    public IReadOnlyDictionary<string, ParcelStatus> Statuses { get; init; } = new Dictionary<string, ParcelStatus>();
    public ProfileCall? Address { get; init; }
    public ProfileCall? Rate { get; init; }
    public ProfileCall? Create { get; init; }
    public ProfileCall? Find { get; init; }
    public ProfileCall? Label { get; init; }
    public ProfileCall? Track { get; init; }
    public ProfileCall? Cancel { get; init; }
    /// <summary>Closes a day's parcels into a list that the carrier collects by.</summary>
    public ProfileCall? Manifest { get; init; }
    /// <summary>The lists of a day.</summary>
    public ProfileCall? Manifests { get; init; }
    /// <summary>One list, to be printed.</summary>
    public ProfileCall? ManifestPaper { get; init; }
    /// <summary>Where a token comes from that all other calls name as <c>{token}</c>; kept in memory as long as it is good.</summary>
    public ProfileCall? Token { get; init; }
    /// <summary>What each call is signed with.</summary>
    public ProfileSignature? Sign { get; init; }
    /// <summary>What an answer of success holds that says: not now, and nothing was done.</summary>
    public IReadOnlyDictionary<string, string[]>? Busy { get; init; }
    /// <summary>What an answer of success holds that says: something broke here, and nobody knows how far it had come.</summary>
    public IReadOnlyDictionary<string, string[]>? Broken { get; init; }
    public ProfileWebhook? Webhook { get; init; }

    [JsonIgnore]
    internal IEnumerable<(string Name, ProfileCall Call)> Calls => new (string, ProfileCall?)[]
        {
            ("address", Address), ("rate", Rate), ("create", Create), ("find", Find), ("label", Label), ("track", Track), ("cancel", Cancel), ("manifest", Manifest), ("manifests", Manifests),
            ("manifest_paper", ManifestPaper),
        }.Where(c => c.Item2 is not null).Select(c => (c.Item1, c.Item2!));
}

/// <summary>HMAC-SHA256 over a text of the request, in Base64, in a header.</summary>
public sealed record ProfileSignature
{
    public string Header { get; init; } = "";
    /// <summary>What is signed with, for example <c>{secrets.app_secret}</c>.</summary>
    public string Key { get; init; } = "";
    /// <summary>What is signed, of a call with a body: beside the call's own placeholders <c>{method}</c>, <c>{path}</c> without the query, and <c>{body}</c> as it is sent.</summary>
    public string Text { get; init; } = "";
    /// <summary>What is signed, of a call without a body.</summary>
    public string TextWithoutBody { get; init; } = "";
}

/// <summary>A range of parcel numbers: the settings <c>number_prefix</c>, <c>number_first</c> and <c>number_last</c>, with so many digits.</summary>
public sealed record OwnNumbers { public int Digits { get; init; } = 10; }

/// <summary>One call of a carrier's API.</summary>
public sealed record ProfileCall
{
    public string Method { get; init; } = "POST";
    /// <summary>After the carrier's address, or an address of its own; values in it are escaped.</summary>
    public string Path { get; init; } = "";
    public JsonNode? Body { get; init; }
    /// <summary>A question that is asked before; what it reads is <c>{first.…}</c> in this call.</summary>
    public ProfileCall? First { get; init; }
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
    /// <summary>The answer is one text, not JSON; paths then are the empty one.</summary>
    public bool Text { get; init; }
    /// <summary>What an answer of success holds, beside a status of 2xx (<see cref="JsonWords.Holds"/>).</summary>
    public IReadOnlyDictionary<string, string[]> Ok { get; init; } = new Dictionary<string, string[]>();
    /// <summary>What an answer holds that says: not known here.</summary>
    public IReadOnlyDictionary<string, string[]>? Missing { get; init; }
    public IReadOnlyList<int> MissingStatuses { get; init; } = [];
    /// <summary>What an answer holds that says: this reference was used before.</summary>
    public IReadOnlyDictionary<string, string[]>? Duplicate { get; init; }
    /// <summary>Where a refusal says why.</summary>
    public string? Error { get; init; }
    /// <summary>The list that <see cref="Read"/> goes by, of scans or prices; without it the answer itself.</summary>
    public string? Items { get; init; }
    /// <summary>Of prices: those of one service are parts of it, to be added up.</summary>
    public bool Sum { get; init; }
    /// <summary>Our word → where it stands (<see cref="JsonWords.Read"/>).</summary>
    public IReadOnlyDictionary<string, string> Read { get; init; } = new Dictionary<string, string>();
}

/// <summary>How a carrier reports by itself.</summary>
public sealed record ProfileWebhook
{
    /// <summary><c>hmac_sha256_hex</c> of the body in a header, <c>field</c> for a word in the body, <c>none</c> where the carrier signs nothing: then the address is the secret.</summary>
    public string Signature { get; init; } = "none";
    public string? Header { get; init; }
    public string Prefix { get; init; } = "";
    /// <summary>Where the word stands, for <c>field</c>.</summary>
    public string? Field { get; init; }
    public string? Secret { get; init; }
    public string? Items { get; init; }
    /// <summary>What is answered to a report that was taken, where the carrier wants a word of its own; the empty text is an empty answer.</summary>
    public string? Answer { get; init; }
    /// <summary><c>reference</c> or <c>tracking_number</c>, <c>code</c>, <c>at</c>, <c>key</c>, <c>text</c>, <c>location</c>. With <see cref="Items"/>, those that begin with <c>$.</c> are of the whole report.</summary>
    public IReadOnlyDictionary<string, string> Read { get; init; } = new Dictionary<string, string>();
}

/// <summary>Where a parcel is, in words for all carriers. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<ParcelStatus>))]
public enum ParcelStatus
{
    Unknown = 0, Announced = 1, InTransit = 2, OutForDelivery = 3, AvailableForPickup = 4, AttemptFailed = 5, Delivered = 6, Returned = 7, Lost = 8, Cancelled = 9,
}
