namespace Stowline.Hub.Quotes.Mesh;

/// <summary>
/// Estimates how thick the walls are. From points spread evenly over the surface a ray goes straight into the material; the way to the first
/// surface is the thickness there. Exact for parallel walls, a little too much for tapered ones; a thin part of the share s of
/// the surface is missed by n samples with the probability (1 − s)^n. Same file, same samples.
/// </summary>
internal sealed class WallThickness(TriangleMesh mesh, MeshTopology topology, int[] outward, RayTree tree, double diagonal)
{
    private const int Samples = 4_096;

    /// <summary>A bound for hostile files whose triangles all lie over one another; a ray through an honest one looks at a few hundred.</summary>
    private const int MaxTestsPerRay = 100_000;

    /// <param name="Least">Reached by 99 % of the samples, in the file's units; null where nothing could be measured.</param>
    /// <param name="ThinShare">Samples below the limit, 0 to 1.</param>
    public sealed record Walls(double? Least, double? ThinShare, int Samples);

    /// <param name="limit">What is thinner is thin, in the file's units.</param>
    public Walls Measure(double limit, Work work)
    {
        var areas = new double[mesh.Count];
        var whole = 0.0;
        for (var t = 0; t < areas.Length; t++) whole += areas[t] = Normal(t).Length / 2;
        var found = new List<double>(Samples);
        var (at, passed) = (0, 0.0);
        for (var i = 0; i < Samples; i++)
        {
            if (i % 64 == 0) work.At(80 + 20.0 * i / Samples);
            var wanted = whole * (i + 0.5) / Samples;
            while (at < areas.Length - 1 && passed + areas[at] < wanted) passed += areas[at++];
            if (areas[at] > 0 && Thickness(at, i) is { } thickness) found.Add(thickness);
        }
        if (found.Count == 0) return new Walls(null, null, 0);
        found.Sort();
        // A limit of exactly a wall's thickness is met by it, whatever the last digit of a float says.
        var thin = found.Count(t => t < limit * (1 - 1e-5));
        return new Walls(found[found.Count / 100], Math.Round((double)thin / found.Count, 4), found.Count);
    }

    private Point Normal(int t) => Point.Cross(mesh.Corner(t, 1) - mesh.Corner(t, 0), mesh.Corner(t, 2) - mesh.Corner(t, 0));

    private double? Thickness(int triangle, int sample)
    {
        // A sequence that fills the unit square evenly (R2), folded into the triangle.
        var (u, v) = ((0.5 + 0.7548776662466927 * (sample + 1)) % 1, (0.5 + 0.5698402909980532 * (sample + 1)) % 1);
        if (u + v > 1) (u, v) = (1 - u, 1 - v);
        var a = mesh.Corner(triangle, 0);
        var origin = a + (mesh.Corner(triangle, 1) - a) * u + (mesh.Corner(triangle, 2) - a) * v;
        var normal = Normal(triangle);
        var inward = -outward[topology.ShellOf[triangle]] * (topology.Turned[triangle] ? -1 : 1);
        return tree.Nearest(origin, normal * (inward / normal.Length), triangle, 1e-7 * diagonal, MaxTestsPerRay);
    }
}
