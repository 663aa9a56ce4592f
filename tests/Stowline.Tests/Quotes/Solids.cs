using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Stowline.Tests.Quotes;

/// <summary>One triangle of a test body.</summary>
public readonly record struct Facet((float X, float Y, float Z) A, (float X, float Y, float Z) B, (float X, float Y, float Z) C)
{
    public Facet Turned => new(A, C, B);
}

/// <summary>Bodies whose volume and surface are known, and the files that they are written in.</summary>
public static class Solids
{
    /// <summary>A cuboid from one corner, facing outward.</summary>
    public static Facet[] Box(float x, float y, float z, float dx, float dy, float dz)
    {
        (float, float, float) P(int i) => (x + (i & 1) * dx, y + (i >> 1 & 1) * dy, z + (i >> 2) * dz);
        int[] corners = [0, 2, 3, 0, 3, 1, 4, 5, 7, 4, 7, 6, 0, 1, 5, 0, 5, 4, 2, 6, 7, 2, 7, 3, 0, 4, 6, 0, 6, 2, 1, 3, 7, 1, 7, 5];
        return [.. Enumerable.Range(0, 12).Select(i => new Facet(P(corners[i * 3]), P(corners[i * 3 + 1]), P(corners[i * 3 + 2])))];
    }

    public static Facet[] Cube(float size, float at = 0) => Box(at, at, at, size, size, size);

    public static Facet[] Turned(this IEnumerable<Facet> body) => [.. body.Select(f => f.Turned)];

    public static Facet[] Torus(double ring, double tube, int around, int across) => Grid(around, across, (i, j) =>
    {
        var (u, v) = (2 * Math.PI * i / around, 2 * Math.PI * j / across);
        var far = ring + tube * Math.Cos(v);
        return ((float)(far * Math.Cos(u)), (float)(far * Math.Sin(u)), (float)(tube * Math.Sin(v)));
    }, (i, j) => (i % around, j % across));

    /// <summary>A ball of triangles between circles of latitude; the poles are where rows shrink to points.</summary>
    public static Facet[] Sphere(double radius, int around, int across)
    {
        var grid = Grid(around, across, (i, j) =>
        {
            if (j == 0 || j == across) return (0, 0, (float)(j == 0 ? radius : -radius));
            var (u, v) = (2 * Math.PI * i / around, Math.PI * j / across);
            return ((float)(radius * Math.Sin(v) * Math.Cos(u)), (float)(radius * Math.Sin(v) * Math.Sin(u)), (float)(radius * Math.Cos(v)));
        }, (i, j) => (i % around, j));
        return [.. grid.Where(f => f.A != f.B && f.B != f.C && f.C != f.A)];
    }

    /// <summary>Closed, but without an inside: what leaves on one side of its seam comes back on the other.</summary>
    public static Facet[] KleinBottle(int around, int across) => Grid(around, across, (i, j) =>
    {
        var (u, v) = (2 * Math.PI * i / around, 2 * Math.PI * (j + 0.5) / across);
        var far = 5 + Math.Cos(u / 2) * Math.Sin(v) - Math.Sin(u / 2) * Math.Sin(2 * v);
        return ((float)(far * Math.Cos(u)), (float)(far * Math.Sin(u)), (float)(Math.Sin(u / 2) * Math.Sin(v) + Math.Cos(u / 2) * Math.Sin(2 * v)));
    }, (i, j) => i < around ? (i, j % across) : (0, (2 * across - 1 - j) % across));

    private static Facet[] Grid(int around, int across, Func<int, int, (float, float, float)> point, Func<int, int, (int I, int J)> wrap)
    {
        (float, float, float) P(int i, int j)
        {
            var (a, b) = wrap(i, j);
            return point(a, b);
        }
        return [.. from i in Enumerable.Range(0, around) from j in Enumerable.Range(0, across)
            let quad = new[] { P(i, j), P(i + 1, j), P(i + 1, j + 1), P(i, j + 1) }
            from facet in new[] { new Facet(quad[0], quad[1], quad[2]), new Facet(quad[0], quad[2], quad[3]) } select facet];
    }

    public static byte[] Stl(params IEnumerable<Facet>[] bodies)
    {
        var facets = bodies.SelectMany(b => b).ToList();
        var file = new byte[84 + 50 * facets.Count];
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(80), facets.Count);
        for (var i = 0; i < facets.Count; i++)
        {
            var at = 84 + 50 * i + 12;
            foreach (var (x, y, z) in new[] { facets[i].A, facets[i].B, facets[i].C })
            {
                foreach (var value in new[] { x, y, z })
                {
                    BinaryPrimitives.WriteSingleLittleEndian(file.AsSpan(at), value);
                    at += 4;
                }
            }
        }
        return file;
    }

    public static string StlText(params IEnumerable<Facet>[] bodies)
    {
        var text = new StringBuilder("solid test\n");
        foreach (var f in bodies.SelectMany(b => b))
        {
            text.Append("  facet normal 0 0 0\n    outer loop\n");
            foreach (var (x, y, z) in new[] { f.A, f.B, f.C }) text.Append(CultureInfo.InvariantCulture, $"      vertex {x:R} {y:R} {z:R}\n");
            text.Append("    endloop\n  endfacet\n");
        }
        return text.Append("endsolid test\n").ToString();
    }
}
