using System.Text;
using System.Text.Json.Serialization;
using CsvHelper;
using Stowline.Kernel;

namespace Stowline.Server.Csv;

/// <summary>An order that was well written and yet refused, for example for want of stock.</summary>
public sealed record RefusedRow(int Line, string Code, string Detail);

/// <summary>What an import did, or with <see cref="DryRun"/> looked at. Counts things (products, bins, receipts, orders), not rows.</summary>
public sealed record CsvImportResult(string Kind, bool DryRun, int Rows, int Created, int Updated, int Unchanged, IReadOnlyList<RefusedRow> Refused)
{
    /// <summary>The import's id below <c>/imports</c>; none on the command line.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Guid? Id { get; init; }
}

/// <summary>How many things a write made, changed and found as they were.</summary>
internal sealed record Written(int Created, int Updated, int Unchanged)
{
    public IReadOnlyList<RefusedRow> Refused { get; init; } = [];
}

/// <summary>What a kind of file is: its columns, what is right in a row, and how it is written.</summary>
internal abstract class CsvTarget
{
    public abstract string Kind { get; }

    /// <summary>The columns that a file may have; those that an export has besides are read over.</summary>
    public abstract IReadOnlyList<string> Columns { get; }
    public abstract IReadOnlyList<string> Required { get; }
    public virtual IReadOnlyList<string> ReadOver => [];

    /// <summary>The file may also be JSON.</summary>
    public virtual bool TakesJson => false;

    public BadRows Bad { get; } = new();

    /// <summary>Checks a row by itself and keeps it.</summary>
    public abstract void Take(CsvRow row);

    /// <summary>Reads a JSON file, with its items for rows. Answers how many.</summary>
    public virtual Task<int> ReadJsonAsync(Stream file, CancellationToken ct) => throw new NotSupportedException($"{Kind} are not read from JSON");

    /// <summary>Checks all rows against what the node has. Writes nothing.</summary>
    public abstract Task CheckAsync(CancellationToken ct);

    /// <summary>Writes what was checked, by the commands of the API. May be stopped anywhere and run again.</summary>
    /// <param name="done">Told how many of how many.</param>
    public abstract Task<Written> WriteAsync(Action<int, int> done, CancellationToken ct);
}

/// <summary>
/// Brings a CSV file into a node: read and checked whole, then written in chunks. With anything wrong in it nothing is written, and all of it is
/// told. The same file again changes nothing, so an import that was interrupted is simply run again.
/// </summary>
internal static class CsvImport
{
    private const int LongestRow = 1024 * 1024;

    /// <param name="done">Told how many of how many are written.</param>
    /// <param name="read">Told how many rows are read.</param>
    /// <param name="isJson">Only where the target takes it.</param>
    /// <exception cref="CommandRefusedException">A command was refused on the way, because something changed after the check.</exception>
    public static async Task<Outcome<CsvImportResult>> RunAsync(CsvTarget target, Stream file, bool dryRun, Action<int, int> done, CancellationToken ct,
        Action<int>? read = null, bool isJson = false)
    {
        var rows = isJson ? await target.ReadJsonAsync(file, ct) : await ReadAsync(target, file, read, ct);
        read?.Invoke(rows);
        if (rows == 0 && target.Bad.Total == 0) target.Bad.Add(1, "", "the file has no rows");
        if (target.Bad.Total == 0) await target.CheckAsync(ct);
        if (target.Bad.Total > 0) return target.Bad.ToRefusal();
        var written = dryRun ? new Written(0, 0, 0) : await target.WriteAsync(done, ct);
        return new CsvImportResult(target.Kind, dryRun, rows, written.Created, written.Updated, written.Unchanged, written.Refused);
    }

    private static async Task<int> ReadAsync(CsvTarget target, Stream file, Action<int>? read, CancellationToken ct)
    {
        var rows = 0;
        try
        {
            // Strict, because a replacement character in a SKU would make another product of it.
            using var text = new StreamReader(file, new UTF8Encoding(false, throwOnInvalidBytes: true), detectEncodingFromByteOrderMarks: true, 1 << 16, leaveOpen: true);
            await using var csv = CsvReader.Create(text, new CsvReaderOptions
            {
                MalformedData = CsvMalformedDataHandling.Throw, TrackLineNumbers = true, PoolStrings = true, MaxRecordSize = LongestRow,
            }, leaveOpen: true);
            await csv.ReadHeaderAsync(ct);
            string[] headers = [.. csv.Headers];
            var places = Places(target, headers);
            if (places is null) return 0;
            while (await csv.ReadAsync(ct))
            {
                if (++rows % 1_000 == 0) read?.Invoke(rows);
                var line = (int)csv.LineNumber;
                if (csv.FieldCount != headers.Length)
                {
                    target.Bad.Add(line, "", $"has {csv.FieldCount} fields, the header has {headers.Length}");
                    continue;
                }
                var cells = new string[headers.Length];
                for (var i = 0; i < cells.Length; i++) cells[i] = csv.GetString(i);
                target.Take(new CsvRow(line, cells, places, target.Bad));
            }
        }
        catch (CsvFormatException e)
        {
            target.Bad.Add((int)e.LineNumber, "", "is not well-formed CSV, and nothing behind it was read: a quote that is not closed, or a row of more than 1 MB");
        }
        catch (DecoderFallbackException)
        {
            target.Bad.Add(rows + 2, "", "here or a little further on the file is not UTF-8; save it as UTF-8");
        }
        return rows;
    }

    /// <summary>Column → place. Null where the header is wrong: every row would then be as wrong.</summary>
    private static Dictionary<string, int>? Places(CsvTarget target, string[] headers)
    {
        var places = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < headers.Length; i++)
        {
            var name = headers[i].Trim();
            if (!target.Columns.Contains(name, StringComparer.OrdinalIgnoreCase) && !target.ReadOver.Contains(name, StringComparer.OrdinalIgnoreCase))
                target.Bad.Add(1, name.Length > 64 ? name[..64] : name, "is no column of this file; there are " + string.Join(", ", target.Columns));
            else if (!places.TryAdd(name, i)) target.Bad.Add(1, name, "is a column twice");
        }
        foreach (var name in target.Required)
            if (!places.ContainsKey(name)) target.Bad.Add(1, name, "is a column that must be there");
        return target.Bad.Total == 0 ? places : null;
    }
}
