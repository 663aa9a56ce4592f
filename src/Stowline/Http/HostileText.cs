using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Stowline.Kernel;

namespace Stowline.Http;

/// <summary>
/// Text that no store takes: PostgreSQL has no NUL in its texts, and half a surrogate pair is no character in any encoding. It is refused at the door, for all fields of all calls alike, so
/// that no slice can forget it. What else a field may not have, its slice says.
/// </summary>
public static class HostileText
{
    private const string Nul = "must not contain the character NUL";

    /// <summary>Looks through the query: no filter and no cursor has control characters. Null where nothing is wrong.</summary>
    public static Refusal? InQuery(HttpContext http)
    {
        if (!http.Request.QueryString.HasValue) return null;
        foreach (var (name, values) in http.Request.Query)
        {
            if (name.Any(char.IsControl)) return Refusal.Invalid("query", "has a name with control characters in it");
            foreach (var value in values)
                if (value is not null && value.Any(char.IsControl)) return Refusal.Invalid(name, "must not contain control characters");
        }
        return null;
    }

    /// <summary>Looks through the texts of a JSON document and names the first that is wrong by its path. Null where nothing is wrong, or the document is no JSON: that is another's to say.</summary>
    public static Refusal? InJson(ReadOnlySpan<byte> json)
    {
        // Both come only as escapes, so that nearly all documents are done with here.
        if (json.IndexOf("\\u0000"u8) < 0 && json.IndexOf("\\ud"u8) < 0 && json.IndexOf("\\uD"u8) < 0) return null;
        var place = new Place();
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
            {
                var text = reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped ? Wrong(ref reader) : null;
                if (reader.TokenType == JsonTokenType.PropertyName)
                {
                    if (text is not null) return Refusal.Invalid(place.Holder, "has a name that " + text);
                    place.Name(reader.GetString()!);
                }
                else
                {
                    place.Value(reader.TokenType);
                    if (text is not null) return Refusal.Invalid(place.Field, text);
                }
            }
        }
        catch (JsonException)
        {
            return null;
        }
        return null;
    }

    private static string? Wrong(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!.Contains('\0') ? Nul : null;
        }
        catch (InvalidOperationException)
        {
            return "must be well-formed Unicode";
        }
    }

    /// <summary>Where a reader stands, written as in problem documents: <c>lines[0].sku</c>.</summary>
    private sealed class Place
    {
        /// <summary>An array or object that is open, and which of its items or members is being read.</summary>
        private readonly record struct Level(bool IsArray, int Item, string Member);

        private readonly List<Level> _open = [];

        public string Field => Path(_open);

        /// <summary>The object that is open.</summary>
        public string Holder => Path(_open.SkipLast(1));

        public void Name(string name) => _open[^1] = _open[^1] with { Member = name };

        public void Value(JsonTokenType type)
        {
            if (type is JsonTokenType.EndArray or JsonTokenType.EndObject)
            {
                _open.RemoveAt(_open.Count - 1);
                return;
            }
            if (_open.Count > 0 && _open[^1].IsArray) _open[^1] = _open[^1] with { Item = _open[^1].Item + 1 };
            if (type is JsonTokenType.StartArray or JsonTokenType.StartObject) _open.Add(new Level(type == JsonTokenType.StartArray, -1, ""));
        }

        private static string Path(IEnumerable<Level> open)
        {
            var path = "";
            foreach (var level in open)
                path += level.IsArray ? string.Create(CultureInfo.InvariantCulture, $"[{level.Item}]") : path.Length == 0 ? level.Member : "." + level.Member;
            return path.Length == 0 ? "body" : path;
        }
    }
}
