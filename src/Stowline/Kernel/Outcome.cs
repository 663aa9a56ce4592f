namespace Stowline.Kernel;

/// <summary>Why a command said no. The kind decides the HTTP and gRPC status in one place (F11).</summary>
public enum RefusalKind
{
    /// <summary>400: the input breaks a rule; <see cref="Refusal.Errors"/> names the fields.</summary>
    Invalid = 1,
    /// <summary>401: no or unknown credentials.</summary>
    Unauthenticated = 2,
    /// <summary>403: known, but not allowed.</summary>
    Forbidden = 3,
    /// <summary>404.</summary>
    NotFound = 4,
    /// <summary>409: right input, wrong state.</summary>
    Conflict = 5,
    /// <summary>413.</summary>
    TooLarge = 6,
    /// <summary>422: an idempotency key used for something else.</summary>
    Unprocessable = 7,
    /// <summary>429.</summary>
    TooMany = 8,
    /// <summary>503: try again after <see cref="Refusal.RetryAfterSeconds"/>.</summary>
    Unavailable = 9,
    /// <summary>415: the body is of a media type that is not read here.</summary>
    UnsupportedMediaType = 10,
}

/// <summary>
/// A named "no". What a caller can get wrong is a value; exceptions mean bugs and lost infrastructure.
/// <paramref name="Code"/> is stable and snake_case; <paramref name="Detail"/> is for people.
/// </summary>
public sealed record Refusal(RefusalKind Kind, string Code, string Detail)
{
    /// <summary>Field → what is wrong with it. Fields are paths as the caller wrote them: <c>lines[0].quantity</c>.</summary>
    public IReadOnlyDictionary<string, string[]>? Errors { get; init; }

    /// <summary>Further members of the problem document, for example what is missing per SKU.</summary>
    public IReadOnlyDictionary<string, object?>? Extra { get; init; }

    public int? RetryAfterSeconds { get; init; }

    public static Refusal Invalid(string field, string message) =>
        new(RefusalKind.Invalid, "invalid_request", $"{field} {message}") { Errors = new Dictionary<string, string[]> { [field] = [message] } };

    public static Refusal Invalid(string code, string field, string message) => Invalid(field, message) with { Code = code };

    public static Refusal Invalid(IReadOnlyDictionary<string, string[]> errors) =>
        new(RefusalKind.Invalid, "invalid_request", string.Join("; ", errors.Take(5).Select(e => $"{e.Key} {e.Value[0]}"))) { Errors = errors };

    public static Refusal NotFound(string code, string detail) => new(RefusalKind.NotFound, code, detail);
    public static Refusal Conflict(string code, string detail) => new(RefusalKind.Conflict, code, detail);
    public static Refusal Conflict(string code, string detail, IReadOnlyDictionary<string, object?> extra) => new(RefusalKind.Conflict, code, detail) { Extra = extra };
    public static Refusal Unavailable(string code, string detail, int retryAfterSeconds) => new(RefusalKind.Unavailable, code, detail) { RetryAfterSeconds = retryAfterSeconds };
}

/// <summary>What a command answers: a value or a refusal. <see cref="Existing"/> tells "was already so" from "done now".</summary>
public readonly struct Outcome<T>
{
    private readonly T? _value;
    public Refusal? Refusal { get; }

    /// <summary>True when nothing was done because the same had been done before (a repeat is success, not an error).</summary>
    public bool Existing { get; }

    private Outcome(T? value, Refusal? refusal, bool existing) => (_value, Refusal, Existing) = (value, refusal, existing);

    public bool IsOk => Refusal is null;
    public T Value => Refusal is null ? _value! : throw new InvalidOperationException($"refused: {Refusal.Code}: {Refusal.Detail}");

    public static implicit operator Outcome<T>(T value) => new(value, null, false);
    public static implicit operator Outcome<T>(Refusal refusal) => new(default, refusal, false);
    public static Outcome<T> AlreadyDone(T value) => new(value, null, true);

    public Outcome<TOther> Map<TOther>(Func<T, TOther> map) => Refusal is { } no ? new Outcome<TOther>(default, no, false) : new Outcome<TOther>(map(_value!), null, Existing);
}

/// <summary>Nothing to say beyond "done".</summary>
public readonly record struct Done;

/// <summary>Collects what is wrong with an input, by field, so that a caller sees all of it at once.</summary>
public sealed class Problems
{
    private Dictionary<string, string[]>? _errors;

    public bool Any => _errors is not null;

    public void Add(string field, string message)
    {
        _errors ??= [];
        if (_errors.Count >= 100 && !_errors.ContainsKey(field)) return; // a hundred named fields tell enough of a hostile body
        _errors[field] = _errors.TryGetValue(field, out var before) ? [.. before, message] : [message];
    }

    public void Check(bool isRight, string field, string message)
    {
        if (!isRight) Add(field, message);
    }

    /// <summary>Checks a code (see <see cref="CodeRule"/>) and answers it trimmed; empty when wrong.</summary>
    public string Code(string? text, string field)
    {
        if (CodeRule.TryNormalize(text, out var code)) return code;
        Add(field, string.IsNullOrWhiteSpace(text) ? "is required" : CodeRule.Description);
        return "";
    }

    /// <summary>Checks a quantity: 1 to 1,000,000,000 units.</summary>
    public int Quantity(long value, string field)
    {
        if (value is > 0 and <= Limits.MaxQuantity) return (int)value;
        Add(field, value <= 0 ? "must be positive" : $"must be at most {Limits.MaxQuantity}");
        return 0;
    }

    /// <summary>Checks free text: at most <paramref name="max"/> characters, no control characters but line breaks and tabs.</summary>
    public string? Text(string? text, string field, int max)
    {
        if (text is null) return null;
        if (text.Length > max) Add(field, $"must be at most {max} characters");
        else if (text.Any(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t'))) Add(field, "must not contain control characters");
        else if (text.Any(char.IsSurrogate) && !IsWellFormed(text)) Add(field, "is not well-formed Unicode");
        return text;
    }

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 >= text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return false;
            i++;
        }
        return true;
    }

    public Refusal ToRefusal() => Refusal.Invalid(_errors ?? throw new InvalidOperationException("nothing is wrong"));
}

/// <summary>The sizes that the contract fixes.</summary>
public static class Limits
{
    public const int MaxQuantity = 1_000_000_000;
    public const int MaxOrderLines = 2_000;
    public const int MaxListLimit = 200;
    public const int UsualListLimit = 50;
    public const int MaxBulkItems = 100_000;
}
