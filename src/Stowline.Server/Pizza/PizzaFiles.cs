using System.Globalization;
using System.IO.Compression;
using System.Text;
using CsvHelper;
using Stowline.Kernel;

namespace Stowline.Server.Pizza;

/// <summary>A pizza as it is sold: a size of a type.</summary>
internal sealed record PizzaVariant(string Id, string Type, string Size, decimal Price);

/// <summary>A type with its ingredients.</summary>
internal sealed record PizzaType(string Id, string Name, string Category, IReadOnlyList<string> Ingredients);

/// <summary>An order of the file with its lines. <see cref="At"/> is the restaurant's clock, taken as UTC.</summary>
internal sealed record PizzaOrder(string Id, DateTimeOffset At, IReadOnlyList<(string Pizza, int Quantity)> Lines);

/// <summary>The menu of the data set "Pizza Place Sales".</summary>
internal sealed record PizzaMenu(IReadOnlyList<PizzaType> Types, IReadOnlyList<PizzaVariant> Variants);

/// <summary>
/// Reads the folder of "Pizza Place Sales": <c>pizza_types.csv</c>, <c>pizzas.csv</c>, <c>orders*.csv[.gz]</c>, <c>order_details*.csv[.gz]</c>. What is missing or not understood
/// is refused with file and line, before anything is written.
/// </summary>
internal static class PizzaFiles
{
    private const int MaxLines = 2_000;

    public static PizzaMenu ReadMenu(string folder)
    {
        var types = Rows(Only(folder, "pizza_types"), "pizza_type_id", "name", "category", "ingredients").Select(r => new PizzaType(r.Code(0), r.Text(1), r.Text(2),
            [.. r.Text(3).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal)])).ToList();
        var known = types.Select(t => t.Id).ToHashSet(StringComparer.Ordinal);
        var variants = Rows(Only(folder, "pizzas"), "pizza_id", "pizza_type_id", "size", "price").Select(r =>
        {
            if (!known.Contains(r.Code(1))) throw r.Wrong($"pizza_types has no {r.Code(1)}");
            if (!decimal.TryParse(r.Text(3), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var price) || price > 1_000_000) throw r.Wrong($"'{r.Text(3)}' is no price");
            return new PizzaVariant(r.Code(0), r.Code(1), r.Text(2), price);
        }).ToList();
        foreach (var name in types.SelectMany(t => t.Ingredients))
            if (!CodeRule.TryNormalize(name, out _)) throw new InvalidDataException($"pizza_types: '{name}' is no name of an ingredient");
        return new PizzaMenu(types, variants);
    }

    /// <summary>The orders in order of time.</summary>
    public static IReadOnlyList<PizzaOrder> ReadOrders(string folder, PizzaMenu menu)
    {
        var pizzas = menu.Variants.Select(v => v.Id).ToHashSet(StringComparer.Ordinal);
        var times = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        foreach (var r in All(folder, "orders").SelectMany(f => Rows(f, "order_id", "date", "time")))
        {
            if (!DateTimeOffset.TryParseExact($"{r.Text(1)} {r.Text(2)}", "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at))
                throw r.Wrong($"'{r.Text(1)} {r.Text(2)}' is no date and time");
            if (!times.TryAdd(r.Code(0), at)) throw r.Wrong($"order {r.Code(0)} comes twice");
        }
        var lines = times.Keys.ToDictionary(k => k, _ => new List<(string, int)>(), StringComparer.Ordinal);
        foreach (var r in All(folder, "order_details").SelectMany(f => Rows(f, "order_id", "pizza_id", "quantity")))
        {
            if (!lines.TryGetValue(r.Code(0), out var own)) throw r.Wrong($"there is no order {r.Code(0)}");
            if (!pizzas.Contains(r.Code(1))) throw r.Wrong($"pizzas has no {r.Code(1)}");
            if (!int.TryParse(r.Text(2), NumberStyles.None, CultureInfo.InvariantCulture, out var quantity) || quantity is < 1 or > 10_000) throw r.Wrong($"'{r.Text(2)}' is no quantity");
            own.Add((r.Code(1), quantity));
            if (own.Count > MaxLines) throw r.Wrong($"order {r.Code(0)} has more than {MaxLines} lines");
        }
        if (lines.FirstOrDefault(l => l.Value.Count == 0) is { Key: { } empty }) throw new InvalidDataException($"order {empty} has no lines");
        return [.. times.Select(t => new PizzaOrder(t.Key, t.Value, lines[t.Key])).OrderBy(o => o.At).ThenBy(o => o.Id.Length).ThenBy(o => o.Id, StringComparer.Ordinal)];
    }

    private static string Only(string folder, string name) => All(folder, name, exact: true) is [var one] ? one : throw new InvalidDataException($"{folder} has more than one {name}.csv");

    private static List<string> All(string folder, string name, bool exact = false)
    {
        var pattern = exact ? name : name + "*";
        var found = Directory.EnumerateFiles(folder, pattern + ".csv").Concat(Directory.EnumerateFiles(folder, pattern + ".csv.gz")).Order(StringComparer.Ordinal).ToList();
        return found.Count > 0 ? found : throw new InvalidDataException($"{folder} has no {pattern}.csv or {pattern}.csv.gz");
    }

    private sealed record Row(string File, long Line, string[] Fields)
    {
        public string Text(int i) => Fields[i];
        public string Code(int i) => CodeRule.TryNormalize(Fields[i], out var code) ? code : throw Wrong($"'{Fields[i]}' is no id");
        public InvalidDataException Wrong(string what) => new($"{Path.GetFileName(File)} line {Line}: {what}");
    }

    private static IEnumerable<Row> Rows(string file, params string[] columns)
    {
        using var bytes = new MemoryStream();
        using (var raw = File.OpenRead(file))
        {
            if (file.EndsWith(".gz", StringComparison.Ordinal)) using (var zip = new GZipStream(raw, CompressionMode.Decompress)) zip.CopyTo(bytes);
            else raw.CopyTo(bytes);
        }
        using var text = new StringReader(Decode(bytes.ToArray()));
        using var csv = CsvReader.Create(text, new CsvReaderOptions { TrackLineNumbers = true }, leaveOpen: true);
        csv.ReadHeader();
        List<string> headers = [.. csv.Headers];
        var places = columns.Select(c => headers.IndexOf(c) is >= 0 and var at ? at : throw new InvalidDataException($"{Path.GetFileName(file)} has no column {c}")).ToArray();
        while (csv.Read()) yield return new Row(file, csv.LineNumber, [.. places.Select(p => csv.GetString(p).Trim())]);
    }

    /// <summary>UTF-8, or else the code page of the well-known copy, whose one odd byte is an apostrophe.</summary>
    private static string Decode(byte[] bytes)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            return Encoding.Latin1.GetString(bytes).Replace('\u0091', '\'').Replace('\u0092', '\'');
        }
    }
}
