using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Quotes.Mesh;
using Stowline.Kernel;

namespace Stowline.Hub.Quotes;

/// <summary>
/// Reads <c>POST /quotes</c> in its three forms: JSON with measures; a model file as the body, with the rest in the query; multipart with the parts
/// <c>request</c> (JSON) and <c>file</c>. Files go to disk as they come and are never whole in memory.
/// </summary>
internal sealed class QuoteUpload(ModelFolder folder, IdSource ids)
{
    private const int MaxUploads = 4;
    private const int RequestLimit = 64 * 1024;
    private readonly SemaphoreSlim _places = new(MaxUploads);

    /// <summary>What was sent: the request, and the file where there is one.</summary>
    public sealed record Sent(QuoteBody Body, ReceivedModel? Model);

    public async Task<Outcome<Sent>> ReadAsync(HttpContext http)
    {
        var type = http.Request.ContentType;
        if (MediaTypeHeaderValue.TryParse(type, out var media) && media.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
            return await UploadAsync(http, () => MultipartAsync(http, media));
        if (FormatOf(media?.MediaType.Value, Requests.Query(http, "format")) is { } format)
        {
            var query = FromQuery(http);
            if (query.Refusal is { } wrong) return wrong;
            return await UploadAsync(http, async () =>
                (await folder.ReceiveAsync(ids.Next(), format, http.Request.Body, http.RequestAborted)).Map(model => new Sent(query.Value, model)));
        }
        return (await Requests.ReadAsync<QuoteBody>(http)).Map(body => new Sent(body, null));
    }

    private static ModelFormat? FormatOf(string? type, string? format) => type?.ToLowerInvariant() switch
    {
        "model/stl" or "model/x.stl-binary" or "model/x.stl-ascii" or "application/sla" => ModelFormat.Stl,
        "model/obj" => ModelFormat.Obj,
        "application/octet-stream" when SnakeCaseEnum<ModelFormat>.TryParse(format, out var known) => known,
        _ => null,
    };

    private static Outcome<QuoteBody> FromQuery(HttpContext http)
    {
        var problems = new Problems();
        long? quantity = null;
        if (Requests.Query(http, "quantity") is { } text)
        {
            problems.Check(long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number), "quantity", "must be a whole number");
            quantity = number;
        }
        ModelUnits? units = null;
        if (Requests.Query(http, "units") is { } unit)
        {
            problems.Check(SnakeCaseEnum<ModelUnits>.TryParse(unit, out var known), "units", SnakeCaseEnum<ModelUnits>.Choices);
            units = known;
        }
        return problems.Any ? problems.ToRefusal()
            : new QuoteBody { Material = Requests.Query(http, "material"), Quantity = quantity, Client = Requests.Query(http, "client"), ClientClass = Requests.Query(http, "client_class"), Units = units };
    }

    /// <summary>Few at a time: the disk is for orders, and each holds a connection for minutes.</summary>
    private async Task<Outcome<Sent>> UploadAsync(HttpContext http, Func<Task<Outcome<Sent>>> read)
    {
        if (folder.Root is null) return Refusal.Unavailable("no_model_folder", "this node keeps no files", 60);
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = ModelFolder.MaxBytes + 1024 * 1024;
        if (!await _places.WaitAsync(0, http.RequestAborted)) return Refusal.Unavailable("too_many_uploads", $"{MaxUploads} files are being received; try again shortly", 5);
        try
        {
            var sent = await read();
            if (sent.IsOk) RememberBody(http, sent.Value);
            return sent;
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return new Refusal(RefusalKind.TooLarge, "body_too_large", $"the model is larger than {ModelFolder.MaxBytes / 1024 / 1024} MB");
        }
        catch (Exception e) when (e is BadHttpRequestException or InvalidDataException)
        {
            return new Refusal(RefusalKind.Invalid, "broken_request", e.Message.Trim());
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>An idempotency key stands for this request and this file: its hash, since the file itself is not at hand any more.</summary>
    private static void RememberBody(HttpContext http, Sent sent) =>
        Requests.Remember(http, [.. JsonSerializer.SerializeToUtf8Bytes(sent.Body, QuotesJson.Default.QuoteBody), .. sent.Model!.Hash]);

    private async Task<Outcome<Sent>> MultipartAsync(HttpContext http, MediaTypeHeaderValue media)
    {
        if (HeaderUtilities.RemoveQuotes(media.Boundary).Value is not { Length: > 0 and <= 100 } boundary) return Refusal.Invalid("body", "has no multipart boundary");
        var reader = new MultipartReader(boundary, http.Request.Body);
        QuoteBody? request = null;
        ReceivedModel? model = null;
        Refusal? wrong = null;
        while (wrong is null && await FromBodyAsync(reader.ReadNextSectionAsync(http.RequestAborted)) is { } section)
        {
            ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var told);
            switch (HeaderUtilities.RemoveQuotes(told?.Name ?? default).Value)
            {
                case "request" when request is null: (request, wrong) = await RequestAsync(section, http.RequestAborted); break;
                case "file" when model is null: (model, wrong) = await FileAsync(http, section, told!); break;
                case "request" or "file": wrong = Refusal.Invalid("body", "has a part twice"); break;
                default: wrong = Refusal.Invalid("body", "may have the parts request (JSON) and file, no others"); break;
            }
        }
        wrong ??= request is null ? Refusal.Invalid("request", "is required: a part with the JSON") : model is null ? Refusal.Invalid("file", "is required: a part with the model") : null;
        if (wrong is null) return new Sent(request!, model);
        if (model is not null) folder.Delete(model.Quote, model.Format);
        return wrong;
    }

    /// <summary>A body that ends too early is the caller's doing; the same exception from the disk is not.</summary>
    internal static async Task<T> FromBodyAsync<T>(Task<T> read)
    {
        try
        {
            return await read;
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            throw new BadHttpRequestException(e.Message, e);
        }
    }

    private static async Task<(QuoteBody?, Refusal?)> RequestAsync(MultipartSection section, CancellationToken ct)
    {
        var bytes = new byte[RequestLimit + 1];
        var read = await FromBodyAsync(section.Body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, ct).AsTask());
        if (read > RequestLimit) return (null, new Refusal(RefusalKind.TooLarge, "body_too_large", "the part request is larger than 64 KB"));
        var body = Requests.Parse<QuoteBody>(bytes[..read]);
        return body.IsOk ? (body.Value, null) : (null, body.Refusal);
    }

    private async Task<(ReceivedModel?, Refusal?)> FileAsync(HttpContext http, MultipartSection section, ContentDispositionHeaderValue told)
    {
        var extension = Path.GetExtension(HeaderUtilities.RemoveQuotes(told.FileName).Value ?? "").TrimStart('.').ToLowerInvariant();
        if (FormatOf(section.ContentType?.Split(';')[0].Trim(), extension) is not { } format && !SnakeCaseEnum<ModelFormat>.TryParse(extension, out format))
            return (null, new Refusal(RefusalKind.UnsupportedMediaType, "unsupported_media_type", "file must be model/stl or model/obj, by its type or its name"));
        var received = await folder.ReceiveAsync(ids.Next(), format, section.Body, http.RequestAborted);
        return received.IsOk ? (received.Value, null) : (null, received.Refusal);
    }
}
