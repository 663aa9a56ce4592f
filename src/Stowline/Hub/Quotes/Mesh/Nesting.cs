namespace Stowline.Hub.Quotes.Mesh;

/// <summary>
/// Which shells are hollows: those within an odd number of others. A ray from a shell crosses each shell that it lies in an odd number of times. A ray may
/// graze an edge and be counted wrongly, so three odd directions vote.
/// </summary>
internal static class Nesting
{
    private const long MaxTests = 2_000_000_000;

    private static readonly Point[] Directions = [Unit(0.5377, 0.8339, 0.1277), Unit(-0.7147, 0.2050, 0.6687), Unit(0.1241, -0.4889, 0.8634)];

    public static bool[] Hollows(TriangleMesh mesh, MeshTopology topology, RayTree tree, Work work)
    {
        var hollow = new bool[topology.Shells];
        if (topology.Shells == 1) return hollow;
        var first = new int[topology.Shells];
        Array.Fill(first, -1);
        for (var t = mesh.Count - 1; t >= 0; t--) first[topology.ShellOf[t]] = t;
        for (var s = 0; s < hollow.Length; s++)
        {
            var origin = (mesh.Corner(first[s], 0) + mesh.Corner(first[s], 1) + mesh.Corner(first[s], 2)) * (1.0 / 3);
            hollow[s] = Directions.Count(d => IsWithinOdd(origin, d, s, topology, tree)) >= 2;
            if (tree.Tests > MaxTests) throw new InvalidModelException("too_complex", "too many shells lie over one another");
            work.At(75);
        }
        return hollow;
    }

    private static bool IsWithinOdd(Point origin, Point direction, int self, MeshTopology topology, RayTree tree)
    {
        var hits = new List<int>();
        tree.All(origin, direction, hits);
        // All crossings of other shells together: the sum of their numbers is odd exactly when an odd number of shells is crossed an odd number of times.
        return hits.Count(t => topology.ShellOf[t] != self) % 2 == 1;
    }

    private static Point Unit(double x, double y, double z) => new Point(x, y, z) * (1 / new Point(x, y, z).Length);
}
