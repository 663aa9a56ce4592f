namespace Stowline.Hub.Quotes.Mesh;

/// <summary>
/// Takes vertices and triangles as a reader finds them, and welds vertices with the same coordinates, because STL repeats each vertex in every
/// triangle. Memory grows with what was really read, never with what a header announces.
/// </summary>
internal sealed class MeshBuilder
{
    public const int MaxTriangles = 3_000_000;
    private const int MaxVertices = 2 * MaxTriangles;

    /// <summary>Beyond this a float no longer tells hundredths of a unit apart.</summary>
    private const float MaxCoordinate = 100_000;

    private int[] _slots = NewSlots(4_096);
    private float[] _xyz = new float[3 * 2_048];
    private int[] _corners = new int[3 * 4_096];
    private int _used;
    private int _seen;
    private int _dropped;

    public int Vertices { get; private set; }

    /// <summary>The number of the vertex at this place.</summary>
    /// <param name="where">With <paramref name="number"/> what is named when the place cannot be: "line" 17.</param>
    public int Vertex(float x, float y, float z, string where, long number)
    {
        if (!float.IsFinite(x) || !float.IsFinite(y) || !float.IsFinite(z)) throw new InvalidModelException("not_a_number", $"{where} {number}: a coordinate is not a finite number");
        if (Math.Abs(x) > MaxCoordinate || Math.Abs(y) > MaxCoordinate || Math.Abs(z) > MaxCoordinate)
            throw new InvalidModelException("too_large", $"{where} {number}: a coordinate is beyond {MaxCoordinate:0}; move the model to the origin, or check its units");
        // Minus zero is the same place.
        (x, y, z) = (x == 0 ? 0 : x, y == 0 ? 0 : y, z == 0 ? 0 : z);
        // HashCode is seeded per process, so a file cannot be made to collide.
        var slot = HashCode.Combine(x, y, z) & _slots.Length - 1;
        for (; _slots[slot] >= 0; slot = slot + 1 & _slots.Length - 1)
        {
            var at = _slots[slot] * 3;
            if (_xyz[at] == x && _xyz[at + 1] == y && _xyz[at + 2] == z) return _slots[slot];
        }
        if (Vertices == MaxVertices) throw new InvalidModelException("too_complex", $"more than {MaxVertices:N0} vertices");
        if (Vertices * 3 == _xyz.Length) Array.Resize(ref _xyz, _xyz.Length * 2);
        (_xyz[Vertices * 3], _xyz[Vertices * 3 + 1], _xyz[Vertices * 3 + 2]) = (x, y, z);
        _slots[slot] = Vertices;
        if (++Vertices * 2 > _slots.Length) Grow();
        return Vertices - 1;
    }

    public void Triangle(int a, int b, int c)
    {
        if (++_seen > MaxTriangles) throw new InvalidModelException("too_complex", $"more than {MaxTriangles:N0} triangles; export the model with a coarser resolution");
        if (a == b || b == c || c == a)
        {
            _dropped++;
            return;
        }
        if (_used == _corners.Length) Array.Resize(ref _corners, _corners.Length * 2);
        (_corners[_used], _corners[_used + 1], _corners[_used + 2]) = (a, b, c);
        _used += 3;
    }

    public TriangleMesh Build()
    {
        if (_seen == 0) throw new InvalidModelException("empty", "the file has no triangles");
        if (_used == 0) throw new InvalidModelException("no_volume", "every triangle of the file is degenerate");
        Array.Resize(ref _corners, _used);
        return new TriangleMesh(_xyz, Vertices, _corners, _dropped);
    }

    private void Grow()
    {
        var slots = NewSlots(_slots.Length * 2);
        for (var v = 0; v < Vertices; v++)
        {
            var slot = HashCode.Combine(_xyz[v * 3], _xyz[v * 3 + 1], _xyz[v * 3 + 2]) & slots.Length - 1;
            while (slots[slot] >= 0) slot = slot + 1 & slots.Length - 1;
            slots[slot] = v;
        }
        _slots = slots;
    }

    private static int[] NewSlots(int count)
    {
        var slots = new int[count];
        Array.Fill(slots, -1);
        return slots;
    }
}
