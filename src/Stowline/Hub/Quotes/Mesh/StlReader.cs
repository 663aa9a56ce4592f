using System.Buffers.Binary;
using System.Text;

namespace Stowline.Hub.Quotes.Mesh;

/// <summary>Reads STL, binary and ASCII. Which of the two it is, is told by the length: binary files may begin with "solid" too.</summary>
internal static class StlReader
{
    private const int HeaderBytes = 84;
    private const int RecordBytes = 50;

    /// <summary>What can be said from the first bytes and the length alone: null where reading it is worth trying.</summary>
    public static (string Reason, string Detail)? QuickCheck(ReadOnlySpan<byte> head, long length)
    {
        if (length == 0) return ("empty", "the file is empty");
        if (IsBinary(head, length)) return BinaryPrimitives.ReadUInt32LittleEndian(head[80..]) switch
        {
            0 => ("empty", "the file has no triangles"),
            > MeshBuilder.MaxTriangles => ("too_complex", $"more than {MeshBuilder.MaxTriangles:N0} triangles; export the model with a coarser resolution"),
            _ => null,
        };
        if (StartsAsText(head)) return null;
        if (length < HeaderBytes) return ("truncated", $"{length} bytes are too few for an STL file");
        var count = BinaryPrimitives.ReadUInt32LittleEndian(head[80..]);
        return ("truncated", $"the header announces {count:N0} triangles, which take {HeaderBytes + (long)count * RecordBytes:N0} bytes, but the file has {length:N0}");
    }

    public static TriangleMesh Read(Stream stream, long length, Work work)
    {
        Span<byte> head = stackalloc byte[HeaderBytes];
        head = head[..stream.ReadAtLeast(head, HeaderBytes, throwOnEndOfStream: false)];
        if (QuickCheck(head, length) is var (reason, detail)) throw new InvalidModelException(reason, detail);
        if (IsBinary(head, length)) return ReadBinary(stream, (int)BinaryPrimitives.ReadUInt32LittleEndian(head[80..]), work);
        stream.Position = 0;
        return ReadText(stream, length, work);
    }

    private static bool IsBinary(ReadOnlySpan<byte> head, long length) =>
        head.Length >= HeaderBytes && length == HeaderBytes + (long)BinaryPrimitives.ReadUInt32LittleEndian(head[80..]) * RecordBytes;

    private static bool StartsAsText(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) head = head[3..];
        return Ascii.EqualsIgnoreCase(Utf8Lines.Word(ref head), "solid"u8);
    }

    private static TriangleMesh ReadBinary(Stream stream, int count, Work work)
    {
        var mesh = new MeshBuilder();
        var buffer = new byte[RecordBytes * 1_024];
        for (var done = 0; done < count;)
        {
            var records = Math.Min(1_024, count - done);
            if (stream.ReadAtLeast(buffer, records * RecordBytes, throwOnEndOfStream: false) < records * RecordBytes)
                throw new InvalidModelException("truncated", "the file ends within its triangles");
            for (var r = 0; r < records; r++)
            {
                var number = done + r + 1;
                // The stored normal (the first 12 bytes) is ignored: the order of the corners says more, and the normals of real files are often wrong.
                var at = buffer.AsSpan(r * RecordBytes + 12, 36);
                mesh.Triangle(Vertex(mesh, at, number), Vertex(mesh, at[12..], number), Vertex(mesh, at[24..], number));
            }
            done += records;
            work.At(50.0 * done / count);
        }
        return mesh.Build();
    }

    private static int Vertex(MeshBuilder mesh, ReadOnlySpan<byte> bytes, int triangle) => mesh.Vertex(
        BinaryPrimitives.ReadSingleLittleEndian(bytes), BinaryPrimitives.ReadSingleLittleEndian(bytes[4..]), BinaryPrimitives.ReadSingleLittleEndian(bytes[8..]),
        "triangle", triangle);

    private static TriangleMesh ReadText(Stream stream, long length, Work work)
    {
        var mesh = new MeshBuilder();
        var lines = new Utf8Lines(stream);
        var (inSolid, inFacet, have) = (false, false, 0);
        Span<int> corners = stackalloc int[3];
        while (lines.TryNext(out var line))
        {
            if (lines.Number % 4_096 == 0) work.At(50.0 * lines.BytesRead / length);
            if (lines.Number == 1 && line.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) line = line[3..];
            var word = Utf8Lines.Word(ref line);
            if (word.Length == 0) continue;
            if (Is(word, "vertex") && inFacet && have < 3)
                corners[have++] = mesh.Vertex(lines.Number32(ref line), lines.Number32(ref line), lines.Number32(ref line), "line", lines.Number);
            else if (Is(word, "facet") && inSolid && !inFacet) (inFacet, have) = (true, 0);
            else if (Is(word, "endfacet") && inFacet && have == 3)
            {
                mesh.Triangle(corners[0], corners[1], corners[2]);
                inFacet = false;
            }
            else if ((Is(word, "outer") || Is(word, "endloop")) && inFacet) { }
            else if (Is(word, "solid") && !inSolid) inSolid = true;
            else if (Is(word, "endsolid") && inSolid && !inFacet) inSolid = false;
            else throw new InvalidModelException("malformed", $"line {lines.Number}: '{Utf8Lines.Show(word)}' is not expected here");
        }
        if (inSolid) throw new InvalidModelException("truncated", "the file ends before its endsolid");
        return mesh.Build();
    }

    private static bool Is(ReadOnlySpan<byte> word, string keyword) => Ascii.EqualsIgnoreCase(word, keyword);
}
