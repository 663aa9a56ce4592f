namespace Stowline.Hub.Quotes.Mesh;

/// <summary>
/// A file that is no model that could be made. Stays inside this folder, where it ends a parser many calls deep; <see cref="MeshMeasure"/> makes
/// a value of it.
/// </summary>
/// <param name="reason">Stable and snake_case, such as <c>not_watertight</c>.</param>
internal sealed class InvalidModelException(string reason, string detail) : Exception(detail)
{
    public string Reason => reason;
}

/// <summary>How far a calculation is, and whether it shall go on. One thread works, others read and cancel.</summary>
internal sealed class Work(CancellationToken ct)
{
    private volatile int _percent;

    /// <summary>0–100.</summary>
    public int Percent => _percent;

    public void At(double percent)
    {
        ct.ThrowIfCancellationRequested();
        _percent = (int)Math.Clamp(percent, 0, 100);
    }
}

/// <summary>Triangles as they came from the file, in its own units: three corners each, vertices at the same place are one.</summary>
/// <param name="Xyz">Three coordinates per vertex; the array may be longer than what is used.</param>
/// <param name="Corners">Three vertices per triangle, exactly.</param>
/// <param name="Dropped">Triangles with two corners in one place. They are no part of a surface and are left out.</param>
internal sealed record TriangleMesh(float[] Xyz, int Vertices, int[] Corners, int Dropped)
{
    public int Count => Corners.Length / 3;

    public Point Corner(int triangle, int corner) => Vertex(Corners[triangle * 3 + corner]);

    public Point Vertex(int vertex) => new(Xyz[vertex * 3], Xyz[vertex * 3 + 1], Xyz[vertex * 3 + 2]);
}

/// <summary>A point or a direction. Double, so that sums over millions of float coordinates keep their digits.</summary>
internal readonly record struct Point(double X, double Y, double Z)
{
    public static Point operator +(Point a, Point b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z);
    public static Point operator -(Point a, Point b) => new(a.X - b.X, a.Y - b.Y, a.Z - b.Z);
    public static Point operator *(Point a, double s) => new(a.X * s, a.Y * s, a.Z * s);
    public static Point Cross(Point a, Point b) => new(a.Y * b.Z - a.Z * b.Y, a.Z * b.X - a.X * b.Z, a.X * b.Y - a.Y * b.X);
    public static double Dot(Point a, Point b) => a.X * b.X + a.Y * b.Y + a.Z * b.Z;
    public double Length => Math.Sqrt(Dot(this, this));
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"({X:0.###}, {Y:0.###}, {Z:0.###})");
}
