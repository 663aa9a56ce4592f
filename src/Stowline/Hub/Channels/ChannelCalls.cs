using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Stowline.Http;
using Stowline.Hub.Hooks;

namespace Stowline.Hub.Channels;

/// <summary>What a call to a marketplace came to.</summary>
internal enum CallResult
{
    /// <summary>2xx.</summary>
    Done,
    /// <summary>No answer, or one that says nothing about the request (5xx, 408): it may have been carried out or not.</summary>
    Lost,
    /// <summary>429, or our own budget is spent: not carried out.</summary>
    Busy,
    /// <summary>401, 403: credentials are missing, wrong or lack a permission.</summary>
    Denied,
    /// <summary>404.</summary>
    Missing,
    /// <summary>Any other 4xx: the marketplace says no to what was asked.</summary>
    Rejected,
}

/// <param name="Error">For people; never holds a credential, since it is made of the status and the beginning of the answer only.</param>
internal sealed record CallAnswer(CallResult Result, int? Code, JsonNode? Body, string? Error, TimeSpan? RetryAfter, TimeSpan Took)
{
    public bool Ok => Result == CallResult.Done;

    /// <summary>The marketplace itself is the trouble, not this one request.</summary>
    public bool IsAway => Result is CallResult.Lost or CallResult.Busy or CallResult.Denied;
}

/// <summary>
/// Calls one account's marketplace: only allowed addresses, within the budget of calls per minute, with a limit of time and size. Of the budget a tenth is kept for orders, so that
/// a flood of stock changes never keeps orders from coming in.
/// </summary>
internal sealed class ChannelCalls(Node node, OutboundTarget target, CallBudget budget) : IDisposable
{
    private const int MostAnswer = 16 * 1024 * 1024;
    private const int MostError = 300;

    /// <summary>How long an answer may take. What was not answered by then is taken for lost, and given as long again to arrive late.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly HttpClient _client = target.Client();

    public ChannelMetrics Metrics { get; } = node.Lanes.Meter.Get<ChannelMetrics>();

    public async Task<CallAnswer> SendAsync(string account, bool forStock, Func<HttpRequestMessage> make, CancellationToken ct)
    {
        var started = node.Time.GetTimestamp();
        var answer = budget.TryTake(forStock) ? await CallAsync(make, ct) : new CallAnswer(CallResult.Busy, null, null, "the budget of calls per minute is spent", TimeSpan.FromSeconds(5), default);
        var took = node.Time.GetElapsedTime(started);
        Metrics.Called(account, answer.Result, took);
        return answer with { Took = took };
    }

    private async Task<CallAnswer> CallAsync(Func<HttpRequestMessage> make, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(Timeout, node.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            using var request = make();
            request.Headers.UserAgent.Add(new ProductInfoHeaderValue("Stowline", "1.0"));
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            var body = await ReadAsync(response, both.Token);
            return Of(response, body);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new CallAnswer(CallResult.Lost, null, null, $"no answer within {Timeout.TotalSeconds:0} s", null, default);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new CallAnswer(CallResult.Lost, null, null, (e.InnerException as ForbiddenTargetException)?.Message ?? "the connection failed: " + (e is HttpRequestException h ? h.HttpRequestError.ToString() : "broken"), null, default);
        }
    }

    private CallAnswer Of(HttpResponseMessage response, byte[]? body)
    {
        var code = (int)response.StatusCode;
        var result = response.StatusCode switch
        {
            >= HttpStatusCode.OK and < HttpStatusCode.MultipleChoices => CallResult.Done,
            HttpStatusCode.TooManyRequests => CallResult.Busy,
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => CallResult.Denied,
            HttpStatusCode.NotFound => CallResult.Missing,
            HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError => CallResult.Lost,
            _ => CallResult.Rejected,
        };
        if (result != CallResult.Done)
        {
            var asked = response.Headers.RetryAfter is { } after ? after.Delta ?? after.Date - node.Time.GetUtcNow() : null;
            return new CallAnswer(result, code, null, $"answered with {code}{Beginning(body)}", asked, default);
        }
        if (body is null) return new CallAnswer(CallResult.Lost, code, null, $"the answer is larger than {MostAnswer / 1024 / 1024} MB", null, default);
        if (body.Length == 0) return new CallAnswer(result, code, null, null, null, default);
        try
        {
            return new CallAnswer(result, code, JsonNode.Parse(body), null, null, default);
        }
        catch (JsonException)
        {
            return new CallAnswer(CallResult.Lost, code, null, "the answer is not JSON", null, default);
        }
    }

    private static string Beginning(byte[]? body)
    {
        if (body is not { Length: > 0 }) return "";
        var text = System.Text.Encoding.UTF8.GetString(body, 0, Math.Min(body.Length, MostError));
        return ": " + new string([.. text.Where(c => !char.IsControl(c) && !char.IsSurrogate(c))]);
    }

    /// <summary>Null when it is larger than anything that is expected.</summary>
    private static async Task<byte[]?> ReadAsync(HttpResponseMessage response, CancellationToken ct)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(ct);
        using var kept = new MemoryStream();
        var buffer = new byte[32 * 1024];
        int read;
        while ((read = await stream.ReadAsync(buffer, ct)) > 0)
        {
            kept.Write(buffer, 0, read);
            if (kept.Length > MostAnswer) return null;
        }
        return kept.ToArray();
    }

    public void Dispose() => _client.Dispose();
}

/// <summary>At most so many calls in any sixty seconds, on the clock that is never set.</summary>
internal sealed class CallBudget(TimeProvider time, int perMinute)
{
    private readonly long _began = time.GetTimestamp();
    private readonly int[] _seconds = new int[60];
    private readonly Lock _gate = new();
    private long _last;
    private int _sum;

    /// <param name="forStock">Stock may use nine tenths of it.</param>
    public bool TryTake(bool forStock)
    {
        var second = (long)time.GetElapsedTime(_began).TotalSeconds;
        lock (_gate)
        {
            if (second - _last >= 60)
            {
                Array.Clear(_seconds);
                _sum = 0;
            }
            else
                for (var s = _last + 1; s <= second; s++)
                {
                    _sum -= _seconds[s % 60];
                    _seconds[s % 60] = 0;
                }
            _last = Math.Max(_last, second);
            if (_sum >= (forStock ? perMinute - perMinute / 10 : perMinute)) return false;
            _seconds[_last % 60]++;
            _sum++;
            return true;
        }
    }
}
