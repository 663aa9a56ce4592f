using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>Something that a template needs is not there or has the wrong form: the parcel cannot be told to this carrier as it is.</summary>
internal sealed class TemplateException(string message) : Exception(message);

/// <summary>
/// Paths into JSON, as profiles write them: <c>a.b[0].c</c>; <c>[-1]</c> is the last, <c>[*]</c> makes a list of all; <c>a@.b</c> goes on inside a text that is JSON itself. Pure.
/// </summary>
internal static class JsonWords
{
    public static JsonNode? Find(JsonNode? root, string path)
    {
        var node = root;
        for (var i = 0; i < path.Length && node is not null;)
        {
            switch (path[i])
            {
                case '.':
                    i++;
                    break;
                case '@':
                    node = Inner(node);
                    i++;
                    break;
                case '[':
                    var end = path.IndexOf(']', i);
                    if (end == i + 2 && path[i + 1] == '*') return node is JsonArray all ? new JsonArray([.. all.Select(e => Find(e, path[(end + 1)..])?.DeepClone())]) : null;
                    if (end < 0 || !int.TryParse(path.AsSpan(i + 1, end - i - 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index)) return null;
                    node = node is JsonArray array && (index < 0 ? array.Count + index : index) is var at && at >= 0 && at < array.Count ? array[at] : null;
                    i = end + 1;
                    break;
                default:
                    var stop = path.AsSpan(i).IndexOfAny('.', '[', '@') is var next and >= 0 ? i + next : path.Length;
                    node = node is JsonObject o && o.TryGetPropertyValue(path[i..stop], out var found) ? found : null;
                    i = stop;
                    break;
            }
        }
        return node;
    }

    private static JsonNode? Inner(JsonNode node)
    {
        try
        {
            return node is JsonValue value && value.TryGetValue<string>(out var text) ? JsonNode.Parse(text) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A value as text: a number as it was written, nothing as the empty text, an object as JSON.</summary>
    public static string Text(JsonNode? node) => node switch
    {
        null => "",
        JsonValue value when value.TryGetValue<string>(out var text) => text.Trim(),
        _ => node.ToJsonString(),
    };

    public static string Text(JsonNode? root, string path) => Text(Find(root, path));

    /// <summary>
    /// What a profile reads by a word: <c>=X</c> is X itself, <c>a or b</c> the first that is there, <c>a &amp; b</c> both with a slash between; else a path.
    /// </summary>
    public static string Read(JsonNode? root, string expression)
    {
        if (expression.Contains(" & ", StringComparison.Ordinal)) return string.Join('/', expression.Split(" & ").Select(p => Text(root, p)));
        return expression.Split(" or ").Select(p => p.StartsWith('=') ? p[1..] : Text(root, p)).FirstOrDefault(t => t.Length > 0) ?? "";
    }

    /// <summary>Whether a carrier's word is the one that is meant; stars stand for anything.</summary>
    public static bool Fits(string pattern, string word)
    {
        var parts = pattern.Split('*');
        if (parts.Length == 1) return string.Equals(pattern, word, StringComparison.OrdinalIgnoreCase);
        if (!word.StartsWith(parts[0], StringComparison.OrdinalIgnoreCase)) return false;
        var at = parts[0].Length;
        foreach (var part in parts.AsSpan(1, parts.Length - 2))
        {
            var found = word.IndexOf(part, at, StringComparison.OrdinalIgnoreCase);
            if (found < 0) return false;
            at = found + part.Length;
        }
        return word.Length - at >= parts[^1].Length && word.EndsWith(parts[^1], StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether every place (as in <see cref="Read"/>) holds one of its texts; the empty text stands for nothing, <c>*</c> for anything but nothing, <c>~X</c> for what contains X.</summary>
    public static bool Holds(JsonNode? root, IReadOnlyDictionary<string, string[]> wanted) => wanted.All(w => Read(root, w.Key) is var text && w.Value.Any(v => v switch
    {
        "*" => text.Length > 0,
        ['~', .. var part] => text.Contains(part, StringComparison.OrdinalIgnoreCase),
        _ => string.Equals(v, text, StringComparison.OrdinalIgnoreCase),
    }));
}

/// <summary>
/// Fills the templates of profiles. A text that is one placeholder keeps the value's own type: <c>"{weight_g}"</c> becomes a number. <c>{path|filter|…}</c> with the filters
/// <c>max:N</c>, <c>digits</c>, <c>upper</c>, <c>int</c>, <c>number</c>, <c>least:N</c>, <c>text</c>, <c>or:X</c>, <c>or_of:PATH</c>, <c>required</c>, <c>map:PATH</c>, <c>latin</c>. A member whose name ends with <c>?</c> is left out when
/// it would be empty. <c>{"$each":"packages","item":…}</c> makes a list, <c>{"$json":…}</c> a text that holds JSON. Pure.
/// </summary>
internal static class Template
{
    public static readonly string[] Filters = ["max", "digits", "upper", "int", "number", "least", "text", "or", "or_of", "required", "map", "latin"];

    public static JsonNode? Fill(JsonNode? template, JsonObject values) => template switch
    {
        JsonObject o when o.ContainsKey("$each") => Each(o, values),
        JsonObject o when o.TryGetPropertyValue("$json", out var inner) => JsonValue.Create(Fill(inner, values)?.ToJsonString(Relaxed) ?? "null"),
        JsonObject o => Members(o, values),
        JsonArray a => new JsonArray([.. a.Select(i => Fill(i, values))]),
        JsonValue v when v.TryGetValue<string>(out var text) => Value(text, values),
        _ => template?.DeepClone(),
    };

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static JsonArray Each(JsonObject o, JsonObject values)
    {
        var made = new JsonArray();
        foreach (var item in JsonWords.Find(values, JsonWords.Text(o["$each"])) as JsonArray ?? [])
        {
            var inner = (JsonObject)values.DeepClone();
            inner["item"] = item?.DeepClone();
            made.Add(Fill(o["item"], inner));
        }
        return made;
    }

    private static JsonObject Members(JsonObject o, JsonObject values)
    {
        var made = new JsonObject();
        foreach (var (name, member) in o)
        {
            var value = Fill(member, values);
            if (!name.EndsWith('?')) made[name] = value;
            else if (JsonWords.Text(value).Length > 0) made[name[..^1]] = value;
        }
        return made;
    }

    /// <summary>The text with its placeholders filled, each as text.</summary>
    /// <param name="escape">What is done to each value: for addresses.</param>
    public static string Text(string template, JsonObject values, Func<string, string>? escape = null)
    {
        var made = new System.Text.StringBuilder();
        var at = 0;
        foreach (var (start, end) in Places(template))
        {
            var value = JsonWords.Text(One(template[(start + 1)..end], values));
            made.Append(template, at, start - at).Append(escape is null ? value : escape(value));
            at = end + 1;
        }
        return made.Append(template, at, template.Length - at).ToString();
    }

    private static JsonNode? Value(string text, JsonObject values) =>
        Places(text).ToList() is [(0, var end)] && end == text.Length - 1 ? One(text[1..end], values) : JsonValue.Create(Text(text, values));

    /// <summary>Where placeholders begin and end.</summary>
    public static IEnumerable<(int Start, int End)> Places(string text)
    {
        for (var start = text.IndexOf('{'); start >= 0; start = text.IndexOf('{', start + 1))
        {
            var end = text.IndexOf('}', start);
            if (end < 0) yield break;
            yield return (start, end);
            start = end;
            if (start + 1 >= text.Length) yield break;
        }
    }

    private static JsonNode? One(string expression, JsonObject values)
    {
        var parts = expression.Split('|');
        var node = JsonWords.Find(values, parts[0])?.DeepClone();
        foreach (var filter in parts.AsSpan(1)) node = Apply(filter, node, parts[0], values);
        return node;
    }

    private static JsonNode? Apply(string filter, JsonNode? node, string path, JsonObject values)
    {
        var (name, argument) = filter.Split(':', 2) is [var n, var a] ? (n, a) : (filter, "");
        var text = JsonWords.Text(node);
        switch (name)
        {
            case "max": return node is null ? null : JsonValue.Create(Cut(text, int.Parse(argument, CultureInfo.InvariantCulture)));
            case "digits": return node is null ? null : JsonValue.Create(string.Concat(text.Where(char.IsAsciiDigit)));
            case "latin": return node is null ? null : JsonValue.Create(SerbianLatin.Of(text));
            case "upper": return node is null ? null : JsonValue.Create(text.ToUpperInvariant());
            case "text": return JsonValue.Create(text);
            case "or": return text.Length > 0 ? node : long.TryParse(argument, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? JsonValue.Create(whole) : JsonValue.Create(argument);
            case "or_of": return text.Length > 0 ? node : JsonWords.Find(values, argument)?.DeepClone();
            case "least":
                return decimal.TryParse(text, NumberStyles.Number, CultureInfo.InvariantCulture, out var given) ? JsonValue.Create(Math.Max(given, decimal.Parse(argument, CultureInfo.InvariantCulture))) : node;
            case "required": return text.Length > 0 ? node : throw new TemplateException($"{path} is missing");
            case "int" or "number":
                return text.Length == 0 ? null : decimal.TryParse(text, NumberStyles.Number, CultureInfo.InvariantCulture, out var number)
                    ? name == "int" ? JsonValue.Create((long)Math.Round(number, MidpointRounding.AwayFromZero)) : JsonValue.Create(number) : throw new TemplateException($"{path} must be a number, not '{text}'");
            case "map":
                return JsonWords.Find(values, argument) is JsonObject map && map.TryGetPropertyValue(text, out var found) && found is not null
                    ? found.DeepClone() : throw new TemplateException($"{argument} has no entry for {path} '{text}'");
            default: throw new TemplateException($"there is no filter {name}");
        }
    }

    /// <summary>At most so many characters, and no half of a pair at the end.</summary>
    private static string Cut(string text, int most) => text.Length <= most ? text : char.IsHighSurrogate(text[most - 1]) ? text[..(most - 1)] : text[..most];
}
