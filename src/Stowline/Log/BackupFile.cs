using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Stowline.Log;

/// <summary>What a backup says about itself: its first line.</summary>
/// <param name="Migrations">The migrations its tables stand on: restoring makes exactly these tables, fills them, then migrates on.</param>
/// <param name="MovedOut">Set where the file is not a backup, but what the node of a site that was moved out begins with (<see cref="SiteExport"/>).</param>
public sealed record BackupManifest(
    int StowlineBackup, string Version, DateTimeOffset At, string Engine, IReadOnlyList<string> Migrations, IReadOnlyList<BackupLane> Lanes, BackupSite? MovedOut = null);

/// <summary>A site that was moved out, when, and the last event of its lane at the hub.</summary>
public sealed record BackupSite(string Site, DateTimeOffset MovedAt, long Position);

public sealed record BackupLane(string Name, int Incarnation, long HeadPosition, string HeadHash);

/// <summary>A line that opens a table.</summary>
internal sealed record BackupTable(string Table, IReadOnlyList<string> Columns);

/// <summary>The last line: without it the file was cut off.</summary>
internal sealed record BackupEnd(string Sha256, long Rows);

/// <summary>The file is not a whole, unaltered backup.</summary>
public sealed class BackupBrokenException(string message) : Exception(message);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(BackupManifest))]
[JsonSerializable(typeof(BackupTable))]
[JsonSerializable(typeof(BackupEnd))]
internal sealed partial class BackupJson : JsonSerializerContext;

/// <summary>
/// The file: gzip'd lines of JSON. The manifest, then each table (its name and columns, then its rows as arrays in the portable form,
/// bytes as <c>{"b":"base64"}</c>), then the SHA-256 of all lines before. Readable without Stowline, and by either database: that was
/// preferred to copying SQLite's file, which PostgreSQL cannot take.
/// </summary>
internal sealed class BackupWriter(Stream file) : IAsyncDisposable
{
    private readonly GZipStream _zip = new(file, CompressionLevel.Fastest, leaveOpen: true);
    private readonly IncrementalHash _sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly MemoryStream _line = new();
    private readonly Utf8JsonWriter _json = new(Stream.Null, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public long Rows { get; private set; }

    public ValueTask ManifestAsync(BackupManifest manifest) => LineAsync(w => JsonSerializer.Serialize(w, manifest, BackupJson.Default.BackupManifest));
    public ValueTask TableAsync(BackupTable table) => LineAsync(w => JsonSerializer.Serialize(w, table, BackupJson.Default.BackupTable));

    public ValueTask RowAsync(object?[] row)
    {
        Rows++;
        return LineAsync(json =>
        {
            json.WriteStartArray();
            foreach (var value in row) WriteValue(json, value);
            json.WriteEndArray();
        });
    }

    private static void WriteValue(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null: json.WriteNullValue(); break;
            case long number: json.WriteNumberValue(number); break;
            case double number: json.WriteNumberValue(number); break;
            case string text: json.WriteStringValue(text); break;
            case byte[] bytes:
                json.WriteStartObject();
                json.WriteBase64String("b"u8, bytes);
                json.WriteEndObject();
                break;
            default: throw new NotSupportedException($"{value.GetType()} is not a portable value");
        }
    }

    /// <summary>Writes the last line. Only now is the file whole.</summary>
    public async ValueTask EndAsync()
    {
        var end = new BackupEnd(Convert.ToHexStringLower(_sha.GetCurrentHash()), Rows);
        await LineAsync(w => JsonSerializer.Serialize(w, end, BackupJson.Default.BackupEnd));
    }

    private async ValueTask LineAsync(Action<Utf8JsonWriter> write)
    {
        _line.SetLength(0);
        _json.Reset(_line);
        write(_json);
        _json.Flush();
        _line.WriteByte((byte)'\n');
        var bytes = _line.GetBuffer().AsMemory(0, (int)_line.Length);
        _sha.AppendData(bytes.Span);
        await _zip.WriteAsync(bytes);
    }

    public async ValueTask DisposeAsync()
    {
        await _zip.DisposeAsync();
        await _json.DisposeAsync();
        _sha.Dispose();
    }
}

/// <summary>Reads the file line by line and checks its hash on the way.</summary>
internal sealed class BackupReader(Stream file) : IDisposable
{
    private readonly StreamReader _text = new(new GZipStream(file, CompressionMode.Decompress), Encoding.UTF8, false, 64 * 1024);
    private readonly IncrementalHash _sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private string? _next;

    public long Rows { get; private set; }

    public async Task<BackupManifest> ManifestAsync()
    {
        try
        {
            var manifest = await TakeAsync() is { } line ? JsonSerializer.Deserialize(line, BackupJson.Default.BackupManifest) : null;
            if (manifest is not { StowlineBackup: > 0 }) throw new BackupBrokenException("this is not a Stowline backup");
            if (manifest.StowlineBackup > 1) throw new BackupBrokenException($"this backup has the newer format {manifest.StowlineBackup}; a newer Stowline reads it");
            return manifest;
        }
        catch (Exception e) when (e is InvalidDataException or JsonException)
        {
            throw new BackupBrokenException("this is not a Stowline backup");
        }
    }

    /// <summary>The next table, or null after the last one, when the hash was right.</summary>
    public async Task<BackupTable?> NextTableAsync()
    {
        var before = _sha.GetCurrentHash();
        var line = await TakeAsync() ?? throw new BackupBrokenException("the backup is cut off");
        if (line.StartsWith("{\"table\"", StringComparison.Ordinal)) return JsonSerializer.Deserialize(line, BackupJson.Default.BackupTable);
        if (!line.StartsWith("{\"sha256\"", StringComparison.Ordinal)) throw new BackupBrokenException("the backup was altered: a line is not what was written");
        var end = JsonSerializer.Deserialize(line, BackupJson.Default.BackupEnd);
        if (end?.Sha256 is null) throw new BackupBrokenException("the backup is cut off");
        if (end.Sha256 != Convert.ToHexStringLower(before) || end.Rows != Rows) throw new BackupBrokenException("the backup was altered: its hash does not match");
        return null;
    }

    /// <summary>The rows of the table that was just opened.</summary>
    public async IAsyncEnumerable<object?[]> RowsAsync(int columns)
    {
        while (await PeekAsync() is ['[', ..])
        {
            using var document = Parse((await TakeAsync())!);
            var row = new object?[columns];
            var i = 0;
            if (document.RootElement.GetArrayLength() != columns) throw new BackupBrokenException("a row does not fit its table");
            foreach (var value in document.RootElement.EnumerateArray()) row[i++] = Value(value);
            Rows++;
            yield return row;
        }
    }

    private static JsonDocument Parse(string line)
    {
        try
        {
            return JsonDocument.Parse(line);
        }
        catch (JsonException)
        {
            throw new BackupBrokenException("the backup was altered: a line is not what was written");
        }
    }

    private static object? Value(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.TryGetInt64(out var number) ? (object)number : value.GetDouble(), // unboxed, ?: would make a double of both
        JsonValueKind.Object => value.GetProperty("b").GetBytesFromBase64(),
        _ => throw new BackupBrokenException("a row holds what no column can"),
    };

    private async Task<string?> PeekAsync()
    {
        try
        {
            return _next ??= await _text.ReadLineAsync();
        }
        catch (InvalidDataException)
        {
            throw new BackupBrokenException("the backup is cut off or altered");
        }
    }

    private async Task<string?> TakeAsync()
    {
        var line = await PeekAsync();
        _next = null;
        if (line is null) return null;
        _sha.AppendData(Encoding.UTF8.GetBytes(line));
        _sha.AppendData("\n"u8);
        return line;
    }

    public void Dispose()
    {
        _text.Dispose();
        _sha.Dispose();
    }
}
