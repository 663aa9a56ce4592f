using System.Text.Json;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Quotes.Mesh;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Quotes;

/// <summary>What one unit of a model file is. STL and OBJ do not say. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<ModelUnits>))]
public enum ModelUnits { Mm = 1, Cm = 2, M = 3, Inch = 4 }

/// <summary>A quote as it is answered.</summary>
public sealed record QuoteView
{
    public required string Id { get; init; }
    public required long Number { get; init; }
    public required QuoteStatus Status { get; init; }
    /// <summary>0–100, as last told by the worker.</summary>
    public required int Progress { get; init; }
    public string? Client { get; init; }
    public required string ClientClass { get; init; }
    public required string Material { get; init; }
    public required int Quantity { get; init; }
    public ModelUnits Units { get; init; }
    /// <summary>The model file; null where the measures were given.</summary>
    public QuoteModel? Model { get; init; }
    public ModelMeasures? Measures { get; init; }
    public QuotePrice? Price { get; init; }
    public QuoteError? Error { get; init; }
    public DateTimeOffset? ValidUntil { get; init; }
    public string? OrderId { get; init; }
    /// <summary>How often a worker has begun.</summary>
    public required int Tries { get; init; }
    public required DateTimeOffset RequestedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    public required QuoteLinks Links { get; init; }
}

/// <summary>The file that came with a quote. <see cref="Sha256"/> in hexadecimal digits.</summary>
public sealed record QuoteModel(ModelFormat Format, long Bytes, string Sha256);

/// <summary>Why there is no price.</summary>
/// <param name="Code"><c>invalid_model</c>, <c>unknown_material</c>, <c>unknown_client_class</c>, <c>too_large_for_machine</c>, <c>price_too_large</c>, <c>no_price_model</c>,
/// <c>model_missing</c>, <c>took_too_long</c> or <c>gave_up</c>.</param>
/// <param name="Reason">Of <c>invalid_model</c>: <c>empty</c>, <c>truncated</c>, <c>malformed</c>, <c>not_a_number</c>, <c>bad_index</c>, <c>too_large</c>, <c>too_complex</c>, <c>unsupported</c>,
/// <c>not_watertight</c>, <c>non_manifold</c>, <c>not_orientable</c> or <c>no_volume</c>.</param>
public sealed record QuoteError(string Code, string? Reason, string Detail);

public sealed record QuoteLinks(string Self);

/// <summary>A row of <c>quotes</c>.</summary>
internal sealed record QuoteRow
{
    internal const string Columns = """
        id, number, status, client, client_class, material, quantity, units, given, model_format, model_bytes, model_hash, folder, rank_at, progress, tries, claims, measures, price,
        error_code, error_reason, error_detail, valid_until, order_channel, order_external_id, order_id, trace, requested_at, finished_at
        """;

    public Guid Id { get; init; }
    public long Number { get; init; }
    public QuoteStatus Status { get; init; }
    public string? Client { get; init; }
    public string ClientClass { get; init; } = "";
    public string Material { get; init; } = "";
    public int Quantity { get; init; }
    public ModelUnits Units { get; init; }
    /// <summary>Measures that the caller gave instead of a file.</summary>
    public string? Given { get; init; }
    public ModelFormat? ModelFormat { get; init; }
    public long? ModelBytes { get; init; }
    public byte[]? ModelHash { get; init; }
    public Guid? Folder { get; init; }
    public DateTimeOffset RankAt { get; init; }
    public int Progress { get; init; }
    public int Tries { get; init; }
    /// <summary>Counts the leases: who holds an older one has lost the quote.</summary>
    public int Claims { get; init; }
    public string? Measures { get; init; }
    public string? Price { get; init; }
    public string? ErrorCode { get; init; }
    public string? ErrorReason { get; init; }
    public string? ErrorDetail { get; init; }
    public DateTimeOffset? ValidUntil { get; init; }
    public string? OrderChannel { get; init; }
    public string? OrderExternalId { get; init; }
    public Guid? OrderId { get; init; }
    public string? Trace { get; init; }
    public DateTimeOffset RequestedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }

    public static string SubjectOf(Guid id) => "quote/" + id;

    internal string Subject => SubjectOf(Id);

    internal ModelMeasures? GivenMeasures => Given is null ? null : JsonSerializer.Deserialize(Given, QuotesJson.Default.ModelMeasures);
    internal QuotePrice? Priced => Price is null ? null : JsonSerializer.Deserialize(Price, QuotesJson.Default.QuotePrice);

    internal static async ValueTask<QuoteRow?> FindAsync(LaneTransaction tx, Guid id) =>
        await tx.FindAsync<QuoteRow>($"SELECT {Columns} FROM quotes WHERE id = @id", new { id });

    internal static async Task<QuoteRow?> FindAsync(SqlSession session, Guid id) =>
        await session.FindAsync<QuoteRow>($"SELECT {Columns} FROM quotes WHERE id = @id", new { id });

    public QuoteView View => new()
    {
        Id = Id.ToString(), Number = Number, Status = Status, Progress = Progress, Client = Client, ClientClass = ClientClass, Material = Material, Quantity = Quantity,
        Units = Units, Model = ModelFormat is { } format ? new QuoteModel(format, ModelBytes ?? 0, Convert.ToHexStringLower(ModelHash ?? [])) : null,
        Measures = Measures is null ? GivenMeasures : JsonSerializer.Deserialize(Measures, QuotesJson.Default.ModelMeasures), Price = Priced,
        Error = ErrorCode is null ? null : new QuoteError(ErrorCode, ErrorReason, ErrorDetail ?? ""), ValidUntil = ValidUntil, OrderId = OrderId?.ToString(), Tries = Tries,
        RequestedAt = RequestedAt, FinishedAt = FinishedAt, Links = new QuoteLinks($"/api/v1/quotes/{Id}"),
    };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(QuoteBody))]
[JsonSerializable(typeof(QuoteView))]
[JsonSerializable(typeof(Page<QuoteView>))]
[JsonSerializable(typeof(QuoteOrderBody))]
[JsonSerializable(typeof(QuoteReason))]
[JsonSerializable(typeof(PriceModel))]
[JsonSerializable(typeof(PriceModelView))]
[JsonSerializable(typeof(ModelMeasures))]
[JsonSerializable(typeof(QuotePrice))]
internal sealed partial class QuotesJson : JsonSerializerContext;
