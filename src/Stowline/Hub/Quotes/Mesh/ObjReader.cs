using System.Buffers.Text;

namespace Stowline.Hub.Quotes.Mesh;

/// <summary>
/// Reads the polygons of a Wavefront OBJ. Materials, textures, normals, lines and groups are skipped, and files that it names are never
/// opened. A polygon is cut into a fan: volume and edges are then right for any flat polygon, the surface for convex ones.
/// </summary>
internal static class ObjReader
{
    public static TriangleMesh Read(Stream stream, long length, Work work)
    {
        var mesh = new MeshBuilder();
        var lines = new Utf8Lines(stream);
        var welded = new List<int>();
        while (lines.TryNext(out var line))
        {
            if (lines.Number % 4_096 == 0) work.At(50.0 * lines.BytesRead / length);
            var word = Utf8Lines.Word(ref line);
            if (word.SequenceEqual("v"u8))
            {
                if (welded.Count == 2 * MeshBuilder.MaxTriangles) throw new InvalidModelException("too_complex", "too many vertices");
                welded.Add(mesh.Vertex(lines.Number32(ref line), lines.Number32(ref line), lines.Number32(ref line), "line", lines.Number));
            }
            else if (word.SequenceEqual("f"u8)) Face(mesh, lines, welded, line);
            else if (word.SequenceEqual("surf"u8) || word.SequenceEqual("curv"u8) || word.SequenceEqual("cstype"u8))
                throw new InvalidModelException("unsupported", $"line {lines.Number}: curved surfaces are not read; export the model as triangles");
            else if (lines.Number == 1 && word.IndexOfAnyInRange((byte)0, (byte)8) >= 0) throw new InvalidModelException("malformed", "this is not an OBJ file");
        }
        return mesh.Build();
    }

    private static void Face(MeshBuilder mesh, Utf8Lines lines, List<int> welded, ReadOnlySpan<byte> line)
    {
        int first = -1, before = -1, corners = 0;
        while (true)
        {
            var word = Utf8Lines.Word(ref line);
            if (word.Length == 0) break;
            if (word.SequenceEqual("\\"u8)) throw new InvalidModelException("unsupported", $"line {lines.Number}: lines that go on with \\ are not read");
            var vertex = Index(word, lines.Number, welded);
            corners++;
            if (corners == 1) first = vertex;
            else if (corners >= 3) mesh.Triangle(first, before, vertex);
            before = vertex;
        }
        if (corners < 3) throw new InvalidModelException("malformed", $"line {lines.Number}: a face needs three corners or more");
    }

    /// <summary><c>7</c>, <c>7/1</c> or <c>7//3</c>; negative numbers count back from the last vertex so far.</summary>
    private static int Index(ReadOnlySpan<byte> word, long line, List<int> welded)
    {
        if (!Utf8Parser.TryParse(word, out int number, out var used) || used < word.Length && word[used] != '/')
            throw new InvalidModelException("malformed", $"line {line}: '{Utf8Lines.Show(word)}' is not a corner");
        var index = number > 0 ? number - 1 : number < 0 ? (long)welded.Count + number : -1L;
        if (index < 0 || index >= welded.Count)
            throw new InvalidModelException("bad_index", $"line {line}: there is no vertex {number}; {welded.Count} were given so far");
        return welded[(int)index];
    }
}
