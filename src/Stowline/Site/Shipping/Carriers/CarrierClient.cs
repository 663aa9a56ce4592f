using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Stowline.Contracts;
using Stowline.Http;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>What came of a call.</summary>
internal enum CallResult
{
    Ok = 1,
    /// <summary>The carrier does not know what was asked for.</summary>
    Missing = 2,
    /// <summary>The carrier had this reference before.</summary>
    Duplicate = 3,
    /// <summary>The carrier has understood, and says no.</summary>
    Refused = 4,
    /// <summary>Not now, and nothing was done: too many calls, no connection, credentials not accepted.</summary>
    Away = 5,
    /// <summary>Whether it was done is not known: no answer, a broken one, or one that makes no sense.</summary>
    Unclear = 6,
}

/// <param name="Error">For people; no secret is in it.</param>
internal sealed record CarrierAnswer(CallResult Result, JsonNode? Json = null, string? Error = null, TimeSpan? RetryAfter = null, byte[]? Bytes = null, string? ContentType = null)
{
    /// <summary>Whether the carrier answered at all: what its circuit goes by.</summary>
    public bool IsHeard => Result is CallResult.Ok or CallResult.Missing or CallResult.Duplicate or CallResult.Refused;
}

/// <summary>A carrier as it is called: its profile with what its account needs.</summary>
internal sealed record CarrierAccount(string Site, string Carrier, CarrierProfile Profile, string Url, JsonObject Settings, IReadOnlyDictionary<string, string> Secrets)
{
    public string Title => Profile.Title.Length > 0 ? Profile.Title : Carrier;

    /// <summary>The profile's words for states, and those of the setting <c>statuses</c> before them.</summary>
    public ParcelStatus StatusOf(string code)
    {
        if (Settings["statuses"] is JsonObject own)
            foreach (var (pattern, word) in own)
                if (JsonWords.Fits(pattern, code) && SnakeCaseEnum<ParcelStatus>.TryParse(JsonWords.Text(word), out var status)) return status;
        return Profiles.StatusOf(Profile, code);
    }
}

/// <summary>
/// Speaks to carriers over HTTP as their profiles say (F5). One call, one answer, never an exception: retrying, waiting and giving up are decided elsewhere. No redirects, no proxy,
/// allowed addresses only.
/// </summary>
internal sealed class CarrierClient(OutboundTarget target, TimeProvider time, CarrierMetrics metrics) : IDisposable
{
    private const int MostAnswer = 12 * 1024 * 1024;
    private const int MostError = 300;
    private static readonly TimeSpan MostRetryAfter = TimeSpan.FromHours(1);
    private readonly HttpClient _client = target.Client();
    private readonly CarrierTokens _tokens = new(time);

    /// <param name="operation">Its name in metrics.</param>
    /// <param name="values">What the profile's templates are filled with, without account data.</param>
    public async Task<CarrierAnswer> CallAsync(CarrierAccount account, string operation, ProfileCall call, JsonObject values, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        var all = (JsonObject)values.DeepClone();
        var answer = await ReadyAsync(account, all, call.First, ct) ?? await TryAsync(account, call, all, ct);
        metrics.Called(account.Site, account.Carrier, operation, answer.Result, time.GetElapsedTime(started));
        return answer with { Error = Clean(account, all, answer.Error) };
    }

    /// <summary>Gets what a call needs beforehand: a token, and the answer to its first question. Null when it has; else why the call itself was not made, so that nothing was done.</summary>
    private async Task<CarrierAnswer?> ReadyAsync(CarrierAccount account, JsonObject values, ProfileCall? first, CancellationToken ct)
    {
        if (account.Profile.Token is { } source && !_tokens.TryGet(account, out _))
        {
            var given = await TryAsync(account, source, values, ct);
            var word = given.Result == CallResult.Ok ? JsonWords.Read(given.Json, source.Read["token"]) : "";
            if (word.Length == 0) return new CarrierAnswer(CallResult.Away, Error: "gives no token: " + given.Error, RetryAfter: given.RetryAfter);
            _tokens.Keep(account, word, source.Read.TryGetValue("expires_in", out var path) ? JsonWords.Read(given.Json, path) : "");
        }
        if (account.Profile.Token is not null && _tokens.TryGet(account, out var token)) values["token"] = token;
        if (first is null) return null;
        var told = await TryAsync(account, first, values, ct);
        if (told.Result is CallResult.Refused or CallResult.Missing or CallResult.Duplicate) return new CarrierAnswer(CallResult.Refused, Error: told.Error ?? "has no answer to what is asked first");
        if (told.Result != CallResult.Ok) return told with { Result = CallResult.Away };
        values["first"] = new JsonObject(first.Read.Select(r => KeyValuePair.Create(r.Key, (JsonNode?)JsonValue.Create(JsonWords.Read(told.Json, r.Value)))));
        return null;
    }

    /// <summary>Fetches a label from where the carrier put it. Nothing of the account goes along: it may be anybody's server.</summary>
    public async Task<CarrierAnswer> FetchAsync(CarrierAccount account, string url, CancellationToken ct)
    {
        if (target.Problem(url) is { } problem) return new CarrierAnswer(CallResult.Refused, Error: "the label's address " + problem);
        return await SendAsync(account, new HttpRequestMessage(HttpMethod.Get, url), null, ct);
    }

    private async Task<CarrierAnswer> TryAsync(CarrierAccount account, ProfileCall call, JsonObject values, CancellationToken ct)
    {
        try
        {
            values["now_ms"] = time.GetUtcNow().ToUnixTimeMilliseconds();
            var answer = await SendAsync(account, Request(account, call, values), call, ct);
            if (answer is { Result: CallResult.Away, RetryAfter: null }) _tokens.Forget(account); // it may be what was not accepted
            return answer;
        }
        catch (Exception e) when (e is TemplateException or UriFormatException or FormatException)
        {
            return new CarrierAnswer(CallResult.Refused, Error: e.Message);
        }
    }

    /// <summary>The request as it will be sent; also for showing it without sending.</summary>
    public static HttpRequestMessage Request(CarrierAccount account, ProfileCall call, JsonObject values)
    {
        var all = (JsonObject)values.DeepClone();
        all["settings"] = account.Settings.DeepClone();
        all["secrets"] = new JsonObject(account.Secrets.Select(s => KeyValuePair.Create(s.Key, (JsonNode?)JsonValue.Create(s.Value))));
        var path = Template.Text(call.Path, all, Uri.EscapeDataString);
        var url = path.StartsWith("https://", StringComparison.Ordinal) || path.StartsWith("http://", StringComparison.Ordinal) ? path : account.Url.TrimEnd('/') + path;
        var request = new HttpRequestMessage(new HttpMethod(call.Method), url);
        request.Headers.TryAddWithoutValidation("User-Agent", "Stowline/1.0");
        request.Headers.TryAddWithoutValidation("Accept", call.Text ? "*/*" : "application/json");
        foreach (var (name, template) in account.Profile.Headers.Concat(call.Headers))
            if (Template.Text(template, all) is { Length: > 0 } value) request.Headers.TryAddWithoutValidation(name, value);
        if (account.Profile.Basic is { } basic) request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Template.Text(basic, all))));
        byte[] sent = [];
        if (call.Body is { } body)
        {
            request.Content = new ByteArrayContent(sent = JsonSerializer.SerializeToUtf8Bytes(Template.Fill(body, all), HttpJson.Options));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
        }
        if (account.Profile.Sign is { } sign) request.Headers.TryAddWithoutValidation(sign.Header, Signature(sign, request, sent, all));
        return request;
    }

    private static string Signature(ProfileSignature sign, HttpRequestMessage request, byte[] sent, JsonObject all)
    {
        (all["method"], all["path"], all["body"]) = (request.Method.Method, request.RequestUri!.AbsolutePath, Encoding.UTF8.GetString(sent));
        var text = Template.Text(sent.Length > 0 ? sign.Text : sign.TextWithoutBody, all);
        return Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Template.Text(sign.Key, all)), Encoding.UTF8.GetBytes(text)));
    }

    private async Task<CarrierAnswer> SendAsync(CarrierAccount account, HttpRequestMessage request, ProfileCall? call, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(account.Profile.TimeoutS), time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        using var sent = request;
        try
        {
            using var response = await _client.SendAsync(sent, HttpCompletionOption.ResponseHeadersRead, both.Token);
            var body = await BytesAsync(response, both.Token);
            if (body is null) return new CarrierAnswer(CallResult.Unclear, Error: $"answered with more than {MostAnswer / 1024 / 1024} MB");
            return call is null ? Bare(response, body) : Read(account, response, call, body);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new CarrierAnswer(CallResult.Unclear, Error: $"no answer within {account.Profile.TimeoutS} s");
        }
        catch (HttpRequestException e) when (e.InnerException is ForbiddenTargetException forbidden)
        {
            return new CarrierAnswer(CallResult.Away, Error: forbidden.Message);
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError)
        {
            return new CarrierAnswer(CallResult.Away, Error: e.Message); // nothing was sent yet
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new CarrierAnswer(CallResult.Unclear, Error: e.Message);
        }
    }

    /// <summary>What lies at an address: who says that it is not there, or not for us, will say so again.</summary>
    private CarrierAnswer Bare(HttpResponseMessage response, byte[] body)
    {
        if (response.IsSuccessStatusCode && body.Length > 0) return new CarrierAnswer(CallResult.Ok, Bytes: body, ContentType: response.Content.Headers.ContentType?.MediaType);
        var error = $"where the label lies was answered with {(int)response.StatusCode}" + (response.IsSuccessStatusCode ? " and nothing" : "");
        return (int)response.StatusCode switch
        {
            429 or 503 => new CarrierAnswer(CallResult.Away, Error: error, RetryAfter: After(response)),
            408 or >= 500 => new CarrierAnswer(CallResult.Unclear, Error: error),
            _ => new CarrierAnswer(CallResult.Refused, Error: error),
        };
    }

    /// <summary>What an answer means, by its status and by what the profile says of its body.</summary>
    private CarrierAnswer Read(CarrierAccount account, HttpResponseMessage response, ProfileCall call, byte[] body)
    {
        var status = (int)response.StatusCode;
        var json = Parse(call, body);
        var said = json is not null && call.Error is { } path ? JsonWords.Read(json, path) : "";
        var error = said.Length > 0 ? said : $"answered with {status}";
        if (json is not null && response.IsSuccessStatusCode && account.Profile.Busy is { } busy && JsonWords.Holds(json, busy)) return new CarrierAnswer(CallResult.Away, Error: error, RetryAfter: After(response));
        if (json is not null && response.IsSuccessStatusCode && account.Profile.Broken is { } broken && JsonWords.Holds(json, broken)) return new CarrierAnswer(CallResult.Unclear, Error: error);
        if (call.MissingStatuses.Contains(status) || json is not null && call.Missing is { } missing && response.IsSuccessStatusCode && JsonWords.Holds(json, missing)) return new CarrierAnswer(CallResult.Missing, json);
        if (json is not null && call.Duplicate is { } duplicate && JsonWords.Holds(json, duplicate)) return new CarrierAnswer(CallResult.Duplicate, json, error);
        if (response.IsSuccessStatusCode)
        {
            if (json is null) return new CarrierAnswer(CallResult.Unclear, Error: "answered with something that is not JSON");
            if (JsonWords.Holds(json, call.Ok)) return new CarrierAnswer(CallResult.Ok, json);
            // A purchase that neither succeeded nor failed in words that the profile knows may have been made.
            return said.Length == 0 && ReferenceEquals(call, account.Profile.Create) ? new CarrierAnswer(CallResult.Unclear, Error: "answered neither with success nor with an error that its profile knows")
                : new CarrierAnswer(CallResult.Refused, json, said.Length > 0 ? said : $"answered with {status}, and not with what its profile expects");
        }
        if (status == 429 || status == 503 || account.Profile.BusyStatuses.Contains(status)) return new CarrierAnswer(CallResult.Away, Error: error, RetryAfter: After(response));
        return status switch
        {
            // A key that is not accepted today is a matter of the account, not of the parcel: it waits, and somebody is told.
            401 or 403 => new CarrierAnswer(CallResult.Away, Error: $"does not accept the credentials ({status})"),
            >= 300 and < 400 => new CarrierAnswer(CallResult.Away, Error: "answered with a redirect, which is not followed"),
            408 or >= 500 => new CarrierAnswer(CallResult.Unclear, Error: error),
            _ => new CarrierAnswer(CallResult.Refused, json, error),
        };
    }

    private static JsonNode? Parse(ProfileCall call, byte[] body)
    {
        if (call.Text) return JsonValue.Create(Encoding.UTF8.GetString(body).Trim().Trim('"'));
        try
        {
            return JsonNode.Parse(body);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private TimeSpan? After(HttpResponseMessage response)
    {
        var asked = response.Headers.RetryAfter is { } r ? r.Delta ?? r.Date - time.GetUtcNow() : null;
        return asked is { } a && a > TimeSpan.Zero ? a < MostRetryAfter ? a : MostRetryAfter : null;
    }

    private static async Task<byte[]?> BytesAsync(HttpResponseMessage response, CancellationToken ct)
    {
        if (response.Content.Headers.ContentLength > MostAnswer) return null;
        await using var stream = await response.Content.ReadAsStreamAsync(ct);
        using var body = new MemoryStream();
        var buffer = new byte[32 * 1024];
        for (int read; (read = await stream.ReadAsync(buffer, ct)) > 0;)
        {
            body.Write(buffer, 0, read);
            if (body.Length > MostAnswer) return null;
        }
        return body.ToArray();
    }

    /// <summary>A carrier may repeat in its message what it was sent: credentials, and whom the parcel is for.</summary>
    private static string? Clean(CarrierAccount account, JsonObject values, string? error)
    {
        if (error is null) return null;
        string[] personal = ["name", "first_name", "last_name", "line1", "line2", "street", "phone", "phone_international", "email"];
        foreach (var hidden in account.Secrets.Values.Append(JsonWords.Text(values, "token")).Concat(personal.Select(n => JsonWords.Text(values, "to." + n))).Where(s => s.Length >= 3).OrderByDescending(s => s.Length))
            error = error.Replace(hidden, "***", StringComparison.OrdinalIgnoreCase);
        return new string([.. error.Where(c => !char.IsControl(c) && !char.IsSurrogate(c)).Take(MostError)]);
    }

    public void Dispose() => _client.Dispose();
}
