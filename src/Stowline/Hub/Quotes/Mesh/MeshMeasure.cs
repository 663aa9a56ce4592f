using Stowline.Contracts;

namespace Stowline.Hub.Quotes.Mesh;

/// <summary>The formats that are read. Stored: append, never renumber.</summary>
[System.Text.Json.Serialization.JsonConverter(typeof(SnakeCaseEnum<ModelFormat>))]
public enum ModelFormat { Stl = 1, Obj = 2 }

/// <summary>Edge lengths of the bounding box, in millimeters, along the axes of the file.</summary>
public sealed record Box(double X, double Y, double Z);

/// <summary>What a model measures. Lengths in mm, areas in mm², volumes in mm³.</summary>
public sealed record ModelMeasures
{
    public required double VolumeMm3 { get; init; }
    public required double SurfaceMm2 { get; init; }
    public required Box BoxMm { get; init; }
    public int? Triangles { get; init; }
    public int? Vertices { get; init; }
    /// <summary>Separate closed surfaces; <see cref="Cavities"/> of them are hollows within others.</summary>
    public int? Shells { get; init; }
    public int? Cavities { get; init; }
    /// <summary>Triangles without an area.</summary>
    public int? DegenerateTriangles { get; init; }
    /// <summary>The wall thickness that 99 % of the surface reaches, from samples; null where it was not measured.</summary>
    public double? MinWallMm { get; init; }
    /// <summary>The share of the surface (0 to 1) whose wall is thinner than the material allows.</summary>
    public double? ThinShare { get; init; }
    public int? WallSamples { get; init; }
    /// <summary><c>turned_triangles</c>, <c>touching_solids</c>, <c>degenerate_triangles</c>, <c>thin_parts</c>.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>What measuring came to: measures, or why the file is no model that can be made.</summary>
public sealed record MeasuredModel(ModelMeasures? Measures, string? Reason, string? Detail);

/// <summary>
/// Measures a closed triangle mesh (H6). The volume is the sum of signed tetrahedra over each shell; a shell that lies within an odd number of
/// others is a hollow. Which way triangles face in the file does not matter.
/// </summary>
internal static class MeshMeasure
{
    /// <summary>Beyond this the units are wrong: no machine makes 10 m.</summary>
    private const double MaxBoxMm = 10_000;
    private const double MinVolumeMm3 = 0.001;

    /// <param name="scale">Millimeters per unit of the file.</param>
    /// <param name="minWallMm">The thinnest wall that the material allows; 0 for any.</param>
    public static MeasuredModel Run(Stream file, ModelFormat format, double scale, double minWallMm, Work work)
    {
        try
        {
            var mesh = format switch
            {
                ModelFormat.Stl => StlReader.Read(file, file.Length, work),
                ModelFormat.Obj => ObjReader.Read(file, file.Length, work),
            };
            return new MeasuredModel(Measure(mesh, scale, minWallMm, work), null, null);
        }
        catch (InvalidModelException e)
        {
            return new MeasuredModel(null, e.Reason, e.Message);
        }
    }

    private static ModelMeasures Measure(TriangleMesh mesh, double scale, double minWallMm, Work work)
    {
        var (low, high) = Bounds(mesh);
        var box = (high - low) * scale;
        if (Math.Max(box.X, Math.Max(box.Y, box.Z)) > MaxBoxMm)
            throw new InvalidModelException("too_large", $"the model is {box.X:0} × {box.Y:0} × {box.Z:0} mm; is \"units\" right?");
        var topology = MeshTopology.Of(mesh, work);
        var (volumes, surface, flat) = Sums(mesh, topology, (low + high) * 0.5);
        var tree = new RayTree(mesh, work);
        work.At(75);
        var hollow = Nesting.Hollows(mesh, topology, tree, work);
        var volume = 0.0;
        var outward = new int[topology.Shells]; // +1 where the shell's own direction points out of the material
        for (var s = 0; s < outward.Length; s++)
        {
            volume += hollow[s] ? -Math.Abs(volumes[s]) : Math.Abs(volumes[s]);
            outward[s] = volumes[s] > 0 != hollow[s] ? 1 : -1;
        }
        volume *= scale * scale * scale;
        if (volume < MinVolumeMm3) throw new InvalidModelException("no_volume", $"the model encloses {Math.Max(0, volume):0.######} mm³; is \"units\" right?");
        work.At(80);
        var walls = new WallThickness(mesh, topology, outward, tree, (high - low).Length).Measure(minWallMm / scale, work);
        work.At(100);
        return new ModelMeasures
        {
            VolumeMm3 = Round(volume), SurfaceMm2 = Round(surface * scale * scale), BoxMm = new Box(Round(box.X), Round(box.Y), Round(box.Z)),
            Triangles = mesh.Count + mesh.Dropped, Vertices = mesh.Vertices, Shells = topology.Shells, Cavities = hollow.Count(h => h),
            DegenerateTriangles = mesh.Dropped + flat, MinWallMm = walls.Least is { } least ? Round(least * scale) : null, ThinShare = walls.ThinShare,
            WallSamples = walls.Samples, Warnings = [.. Warnings(mesh, topology, mesh.Dropped + flat, walls.ThinShare)],
        };
    }

    private static IEnumerable<string> Warnings(TriangleMesh mesh, MeshTopology topology, int degenerate, double? thin)
    {
        if (Enumerable.Range(0, mesh.Count).Any(t => topology.Turned[t])) yield return "turned_triangles";
        if (topology.SharedEdges > 0) yield return "touching_solids";
        if (degenerate > 0) yield return "degenerate_triangles";
        if (thin > 0.005) yield return "thin_parts";
    }

    /// <summary>Only what triangles use: a stray vertex takes no room.</summary>
    private static (Point Low, Point High) Bounds(TriangleMesh mesh)
    {
        var (low, high) = (mesh.Corner(0, 0), mesh.Corner(0, 0));
        foreach (var v in mesh.Corners)
        {
            var p = mesh.Vertex(v);
            low = new Point(Math.Min(low.X, p.X), Math.Min(low.Y, p.Y), Math.Min(low.Z, p.Z));
            high = new Point(Math.Max(high.X, p.X), Math.Max(high.Y, p.Y), Math.Max(high.Z, p.Z));
        }
        return (low, high);
    }

    /// <summary>The signed volume of each shell, the surface of all, and the number of triangles without area.</summary>
    /// <param name="center">Tetrahedra reach to here; near the model, so that little cancels out.</param>
    private static (double[] Volumes, double Surface, int Flat) Sums(TriangleMesh mesh, MeshTopology topology, Point center)
    {
        var volumes = new double[topology.Shells];
        var (surface, flat) = (0.0, 0);
        for (var t = 0; t < mesh.Count; t++)
        {
            var (a, b, c) = (mesh.Corner(t, 0) - center, mesh.Corner(t, 1) - center, mesh.Corner(t, 2) - center);
            var normal = Point.Cross(b - a, c - a);
            volumes[topology.ShellOf[t]] += Point.Dot(a, normal) / (topology.Turned[t] ? -6 : 6);
            var area = normal.Length / 2;
            surface += area;
            if (area <= 1e-12 * Math.Max((b - a).Length, (c - a).Length)) flat++;
        }
        return (volumes, surface, flat);
    }

    /// <summary>Micrometers and their powers: more digits would only be those of the file's floats.</summary>
    private static double Round(double value) => Math.Round(value, 4);
}
