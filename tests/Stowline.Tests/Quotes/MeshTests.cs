using System.Buffers.Binary;
using System.Text;
using Stowline.Hub.Quotes.Mesh;

namespace Stowline.Tests.Quotes;

/// Goal: what is measured of a model is right, whichever way its triangles face, and what encloses nothing is refused by name. Method: bodies
/// whose volume and surface are known from formulas, written as files and read back.
public class MeshTests
{
    private const string CubeObj = """
        # a cube of quads
        mtllib ../../etc/passwd
        v 0 0 0
        v 10 0 0
        v 10 10 0
        v 0 10 0
        v 0 0 10
        v 10 0 10
        v 10 10 10
        v 0 10 10
        vn 0 0 1
        usemtl red
        f 1/1/1 4/2/1 3/3/1 2/4/1
        f 5//1 6//1 7//1 8//1
        f -8 -7 -3 -4
        f 4 8 7 3
        f 1 5 8 4
        f 2 3 7 6
        """;

    internal static MeasuredModel Run(byte[] file, ModelFormat format = ModelFormat.Stl, double scale = 1, double minWall = 0) =>
        MeshMeasure.Run(new MemoryStream(file), format, scale, minWall, new Work(CancellationToken.None));

    private static ModelMeasures Good(byte[] file, ModelFormat format = ModelFormat.Stl, double scale = 1, double minWall = 0)
    {
        var measured = Run(file, format, scale, minWall);
        Assert.True(measured.Measures is not null, $"{measured.Reason}: {measured.Detail}");
        return measured.Measures;
    }

    public static TheoryData<string, byte[], ModelFormat> Cubes => new()
    {
        { "binary", Solids.Stl(Solids.Cube(10)), ModelFormat.Stl },
        { "binary that begins like text", [.. "solid"u8, .. Solids.Stl(Solids.Cube(10))[5..]], ModelFormat.Stl },
        { "text", Encoding.ASCII.GetBytes(Solids.StlText(Solids.Cube(10))), ModelFormat.Stl },
        { "text, as Windows writes it", Encoding.ASCII.GetBytes("\r\n" + Solids.StlText(Solids.Cube(10)).ToUpperInvariant().Replace("\n", "\r\n"))[2..], ModelFormat.Stl },
        { "obj", Encoding.ASCII.GetBytes(CubeObj), ModelFormat.Obj },
    };

    [Theory, MemberData(nameof(Cubes))]
    public void A_cube_measures_the_same_in_every_format(string name, byte[] file, ModelFormat format)
    {
        var cube = Good(file, format);
        Assert.True(name.Length > 0 && (cube.VolumeMm3, cube.SurfaceMm2, cube.BoxMm) == (1_000, 600, new Box(10, 10, 10)), $"{name}: {cube}");
        Assert.Equal((12, 8, 1, 0, 0, 10.0), (cube.Triangles, cube.Vertices, cube.Shells, cube.Cavities, cube.DegenerateTriangles, cube.MinWallMm));
        Assert.Empty(cube.Warnings);
    }

    [Fact]
    public void Balls_and_rings_come_close_to_their_formulas()
    {
        var ball = Good(Solids.Stl(Solids.Sphere(10, 200, 100)));
        Assert.Equal(4.0 / 3 * Math.PI * 1_000, ball.VolumeMm3, 4.0 / 3 * Math.PI * 1_000 * 0.001);
        Assert.Equal(4 * Math.PI * 100, ball.SurfaceMm2, 4 * Math.PI * 100 * 0.001);
        Assert.Equal(20, ball.MinWallMm!.Value, 0.1);
        var ring = Good(Solids.Stl(Solids.Torus(20, 5, 200, 100)));
        Assert.Equal(2 * Math.PI * Math.PI * 20 * 25, ring.VolumeMm3, 2 * Math.PI * Math.PI * 20 * 25 * 0.002);
        Assert.Equal(4 * Math.PI * Math.PI * 20 * 5, ring.SurfaceMm2, 4 * Math.PI * Math.PI * 20 * 5 * 0.002);
        Assert.Equal(10, ring.MinWallMm!.Value, 0.1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_shell_within_a_shell_is_a_hollow_whichever_way_it_faces(bool facesOut)
    {
        var inner = Solids.Cube(18, 1);
        var hollow = Good(Solids.Stl(Solids.Cube(20), facesOut ? inner : inner.Turned()), minWall: 1.5);
        Assert.Equal((8_000 - 5_832, 2_400 + 1_944, 2, 1), (hollow.VolumeMm3, hollow.SurfaceMm2, hollow.Shells, hollow.Cavities));
        Assert.Equal(1, hollow.MinWallMm!.Value, 1e-4);
        Assert.InRange(hollow.ThinShare!.Value, 0.8, 1); // all but the rim of the outside, from where the way goes past the hollow
        Assert.Contains("thin_parts", hollow.Warnings);
        Assert.Equal(0, Good(Solids.Stl(Solids.Cube(20), inner), minWall: 1).ThinShare); // exactly as thick as the limit is thick enough
    }

    [Fact]
    public void An_island_in_a_hollow_is_solid_and_bodies_side_by_side_add_up()
    {
        var island = Good(Solids.Stl(Solids.Cube(20), Solids.Cube(18, 1), Solids.Cube(2, 9)));
        Assert.Equal((8_000 - 5_832 + 8, 3, 1), (island.VolumeMm3, island.Shells, island.Cavities));
        var two = Good(Solids.Stl(Solids.Cube(10), Solids.Cube(5, 20)));
        Assert.Equal((1_125, 2, 0), (two.VolumeMm3, two.Shells, two.Cavities));
    }

    [Fact]
    public void Which_way_triangles_face_does_not_matter()
    {
        Assert.Equal(1_000, Good(Solids.Stl(Solids.Cube(10).Turned())).VolumeMm3);
        var mixed = Good(Solids.Stl(Solids.Cube(10).Select((f, i) => i % 3 == 0 ? f.Turned : f)));
        Assert.Equal((1_000, 600, 10), (mixed.VolumeMm3, mixed.SurfaceMm2, mixed.MinWallMm));
        Assert.Contains("turned_triangles", mixed.Warnings);
    }

    [Fact]
    public void Solids_may_touch_at_an_edge_and_triangles_may_be_degenerate()
    {
        var touching = Good(Solids.Stl(Solids.Box(0, 0, 0, 10, 10, 10), Solids.Box(10, 10, 0, 10, 10, 10)));
        Assert.Equal(2_000, touching.VolumeMm3);
        Assert.Equal(["touching_solids"], touching.Warnings);
        var degenerate = Good(Solids.Stl(Solids.Cube(10), [new Facet((0, 0, 0), (0, 0, 0), (10, 0, 0))]));
        Assert.Equal((1_000, 1, 13), (degenerate.VolumeMm3, degenerate.DegenerateTriangles, degenerate.Triangles));
    }

    [Fact]
    public void Units_scale_lengths_areas_and_volumes()
    {
        var inches = Good(Solids.Stl(Solids.Cube(1)), scale: 25.4);
        Assert.Equal((16_387.064, 3_870.96, new Box(25.4, 25.4, 25.4), 25.4), (inches.VolumeMm3, inches.SurfaceMm2, inches.BoxMm, inches.MinWallMm));
    }

    public static TheoryData<string, string, byte[], ModelFormat> Broken => new()
    {
        { "not_watertight", "an open box", Solids.Stl(Solids.Cube(10)[2..]), ModelFormat.Stl },
        { "not_watertight", "one triangle", Solids.Stl([Solids.Cube(10)[0]]), ModelFormat.Stl },
        { "non_manifold", "a wall twice", Solids.Stl(Solids.Cube(10), [Solids.Cube(10)[0]]), ModelFormat.Stl },
        { "not_orientable", "a Klein bottle", Solids.Stl(Solids.KleinBottle(40, 20)), ModelFormat.Stl },
        { "no_volume", "a sheet of two sides", Solids.Stl([new Facet((0, 0, 0), (10, 0, 0), (0, 10, 0)), new Facet((0, 0, 0), (0, 10, 0), (10, 0, 0))]), ModelFormat.Stl },
        { "no_volume", "only points", Solids.Stl([new Facet((1, 1, 1), (1, 1, 1), (1, 1, 1))]), ModelFormat.Stl },
        { "too_large", "a cube of 100 m", Solids.Stl(Solids.Cube(99_999)), ModelFormat.Stl },
        { "too_large", "beyond what floats tell apart", Solids.Stl(Solids.Cube(1e20f)), ModelFormat.Stl },
        { "not_a_number", "NaN", Solids.Stl(Solids.Cube(10), [new Facet((float.NaN, 0, 0), (1, 0, 0), (0, 1, 0))]), ModelFormat.Stl },
        { "not_a_number", "infinity", Solids.Stl(Solids.Cube(float.PositiveInfinity)), ModelFormat.Stl },
        { "empty", "nothing", [], ModelFormat.Stl },
        { "empty", "no triangles", new byte[84], ModelFormat.Stl },
        { "truncated", "a few bytes", new byte[20], ModelFormat.Stl },
        { "truncated", "cut off", Solids.Stl(Solids.Cube(10))[..^1], ModelFormat.Stl },
        { "truncated", "a header of a thousand million triangles", Announcing(1_000_000_000), ModelFormat.Stl },
        { "truncated", "text cut off", Encoding.ASCII.GetBytes(Solids.StlText(Solids.Cube(10))[..^"endsolid test\n".Length]), ModelFormat.Stl },
        { "malformed", "text that goes astray", Encoding.ASCII.GetBytes(Solids.StlText(Solids.Cube(10)).Replace("endloop", "vertex 1 2 3")), ModelFormat.Stl },
        { "malformed", "a number missing", Encoding.ASCII.GetBytes(Solids.StlText(Solids.Cube(10)).Replace("vertex 0 0 0", "vertex 0 0")), ModelFormat.Stl },
        { "not_a_number", "a word for a number", Encoding.ASCII.GetBytes(Solids.StlText(Solids.Cube(10)).Replace("vertex 0 0 0", "vertex 0 zero 0")), ModelFormat.Stl },
        { "malformed", "a line without end", [.. "solid x\n"u8, .. Enumerable.Repeat((byte)'a', 3_000_000)], ModelFormat.Stl },
        { "bad_index", "a vertex that is not there", Encoding.ASCII.GetBytes(CubeObj.Replace("f 4 8 7 3", "f 4 8 7 9")), ModelFormat.Obj },
        { "bad_index", "vertex 0", Encoding.ASCII.GetBytes(CubeObj.Replace("f 4 8 7 3", "f 4 8 7 0")), ModelFormat.Obj },
        { "bad_index", "before the first vertex", Encoding.ASCII.GetBytes(CubeObj.Replace("f -8", "f -9")), ModelFormat.Obj },
        { "bad_index", "the least number there is", Encoding.ASCII.GetBytes(CubeObj.Replace("f -8", "f -2147483648")), ModelFormat.Obj },
        { "malformed", "beyond all numbers", Encoding.ASCII.GetBytes(CubeObj.Replace("f -8", "f 99999999999999999999")), ModelFormat.Obj },
        { "malformed", "a face of two corners", Encoding.ASCII.GetBytes(CubeObj.Replace("f 4 8 7 3", "f 4 8")), ModelFormat.Obj },
        { "unsupported", "a curved surface", Encoding.ASCII.GetBytes(CubeObj + "\ncstype bezier\n"), ModelFormat.Obj },
        { "empty", "no faces", "v 0 0 0\n"u8.ToArray(), ModelFormat.Obj },
    };

    [Theory, MemberData(nameof(Broken))]
    public void A_broken_file_is_refused_by_name(string reason, string what, byte[] file, ModelFormat format)
    {
        var measured = Run(file, format);
        Assert.True(measured is { Measures: null, Detail.Length: > 10 } && measured.Reason == reason, $"{what}: {measured.Reason} ({measured.Detail}) instead of {reason}");
    }

    private static byte[] Announcing(uint triangles)
    {
        var file = Solids.Stl(Solids.Cube(10));
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(80), triangles);
        return file;
    }

    /// Goal: no file ends the worker. Method: cubes with random bytes changed, cut and repeated; each must be measured or refused, and what is measured must be finite.
    [Fact]
    public void Mangled_files_are_measured_or_refused()
    {
        var random = new Random(7);
        byte[][] seeds = [Solids.Stl(Solids.Cube(10)), Encoding.ASCII.GetBytes(Solids.StlText(Solids.Cube(10))), Encoding.ASCII.GetBytes(CubeObj)];
        var refused = 0;
        for (var i = 0; i < 3_000; i++)
        {
            var file = seeds[i % 3].ToArray();
            for (var change = random.Next(1, 6); change > 0; change--) file[random.Next(file.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0) file = file[..random.Next(file.Length)];
            var measured = Run(file, i % 3 == 2 ? ModelFormat.Obj : ModelFormat.Stl, minWall: 1);
            if (measured.Measures is not { } measures) refused++;
            else Assert.True(double.IsFinite(measures.VolumeMm3) && measures.VolumeMm3 > 0 && double.IsFinite(measures.SurfaceMm2), $"file {i}");
        }
        Assert.InRange(refused, 1_000, 3_000);
    }

    [Fact]
    public void Work_can_be_stopped_in_the_middle()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => MeshMeasure.Run(new MemoryStream(Solids.Stl(Solids.Sphere(10, 100, 50))), ModelFormat.Stl, 1, 0, new Work(stop.Token)));
    }
}
