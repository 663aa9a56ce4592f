using System.Buffers;
using System.Security.Cryptography;
using Stowline.Hub.Quotes.Mesh;
using Stowline.Kernel;

namespace Stowline.Hub.Quotes;

/// <summary>A file that was received whole.</summary>
internal sealed record ReceivedModel(Guid Quote, ModelFormat Format, long Bytes, byte[] Hash);

/// <summary>
/// Where model files lie: <c>models</c> in the data directory. The folder has an id of its own, kept in a file in it. A quote names the folder
/// of its file, so that only processes that see the folder take it; processes that share a folder share the work.
/// </summary>
internal sealed class ModelFolder(Node node)
{
    public const long MaxBytes = 100 * 1024 * 1024;
    private readonly Lock _gate = new();
    private Guid? _id;

    /// <summary>The largest file that is taken: for tests that do not want to write 100 MB.</summary>
    internal long Most { get; set; } = MaxBytes;

    /// <summary>Null where the node was not told a data directory: then it takes no files.</summary>
    public string? Root => node.DataFolder is { } data ? Path.Combine(data, "models") : null;

    /// <summary>The folder's id; all zeros where there is none, which no quote has.</summary>
    public Guid Id
    {
        get
        {
            if (Root is not { } root) return Guid.Empty;
            lock (_gate) return _id ??= ReadId(root);
        }
    }

    private Guid ReadId(string root)
    {
        Directory.CreateDirectory(root);
        var file = Path.Combine(root, "folder.id");
        if (!File.Exists(file))
        {
            // Another process may do the same now: the name can be taken once only, and whoever comes second reads.
            var own = Path.Combine(root, $"{node.Ids.Next()}.id");
            File.WriteAllText(own, node.Ids.Next().ToString());
            try
            {
                File.Move(own, file, overwrite: false);
            }
            catch (IOException) when (File.Exists(file))
            {
                File.Delete(own);
            }
        }
        return Guid.Parse(File.ReadAllText(file));
    }

    public string PathOf(Guid quote, ModelFormat format) => Path.Combine(Root!, $"{quote}.{(format == ModelFormat.Stl ? "stl" : "obj")}");

    /// <summary>Writes a body to its file as it comes. Refuses with <c>body_too_large</c>, or <c>invalid_model</c> where the first bytes tell; then nothing is left behind.</summary>
    public async Task<Outcome<ReceivedModel>> ReceiveAsync(Guid quote, ModelFormat format, Stream body, CancellationToken ct)
    {
        _ = Id; // the folder is there from here on
        var part = Path.Combine(Root!, $"{quote}.part");
        var whole = false;
        try
        {
            var received = await WriteAsync(part, quote, format, body, ct);
            if (!received.IsOk) return received;
            if (format == ModelFormat.Stl && QuickCheck(part) is var (reason, detail)) return InvalidModel(reason, detail);
            File.Move(part, PathOf(quote, format));
            whole = true;
            return received;
        }
        finally
        {
            if (!whole) File.Delete(part);
        }
    }

    public static Refusal InvalidModel(string reason, string detail) =>
        Refusal.Invalid("invalid_model", "file", detail) with { Extra = new Dictionary<string, object?> { ["reason"] = reason } };

    private async Task<Outcome<ReceivedModel>> WriteAsync(string part, Guid quote, ModelFormat format, Stream body, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(128 * 1024);
        try
        {
            await using var file = new FileStream(part, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1);
            long bytes = 0;
            int read;
            while ((read = await QuoteUpload.FromBodyAsync(body.ReadAsync(buffer, ct).AsTask())) > 0)
            {
                bytes += read;
                if (bytes > Most) return new Refusal(RefusalKind.TooLarge, "body_too_large", $"the model is larger than {MaxBytes / 1024 / 1024} MB");
                hash.AppendData(buffer, 0, read);
                await file.WriteAsync(buffer.AsMemory(0, read), ct);
            }
            if (bytes == 0) return InvalidModel("empty", "the file is empty");
            file.Flush(flushToDisk: true); // the answer says that the quote will be calculated
            return new ReceivedModel(quote, format, bytes, hash.GetHashAndReset());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static (string Reason, string Detail)? QuickCheck(string path)
    {
        using var file = File.OpenRead(path);
        Span<byte> head = stackalloc byte[84];
        return StlReader.QuickCheck(head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)], file.Length);
    }

    public void Delete(Guid quote, ModelFormat format) => File.Delete(PathOf(quote, format));
}
