namespace Stowline.Hub.Quotes.Mesh;

/// <summary>
/// Finds what a ray hits: a tree of boxes around triangles. Built in place over an order of the triangles, halved at the middle of their
/// centers, so that building takes a few passes even for millions.
/// </summary>
internal sealed class RayTree
{
    private const int LeafSize = 8;
    private const int MaxDepth = 60;

    private readonly TriangleMesh _mesh;
    private readonly int[] _order;
    private readonly List<Node> _nodes = [];
    private readonly int[] _stack = new int[2 * MaxDepth + 64];

    /// <summary>A box; with a count the triangles in it, without one two nodes that follow each other from <see cref="First"/>.</summary>
    private readonly record struct Node(Point Low, Point High, int First, int Count);

    public RayTree(TriangleMesh mesh, Work work)
    {
        _mesh = mesh;
        _order = new int[mesh.Count];
        for (var i = 0; i < _order.Length; i++) _order[i] = i;
        _nodes.Add(default);
        var open = new Stack<(int Node, int From, int To, int Depth)>();
        open.Push((0, 0, _order.Length, 0));
        while (open.TryPop(out var part))
        {
            if ((_nodes.Count & 0x3FFF) == 0) work.At(work.Percent);
            var (low, high) = Bounds(part.From, part.To);
            var middle = part.To - part.From <= LeafSize ? part.From : Split(part.From, part.To, part.Depth);
            if (middle == part.From)
            {
                _nodes[part.Node] = new Node(low, high, part.From, part.To - part.From);
                continue;
            }
            _nodes[part.Node] = new Node(low, high, _nodes.Count, 0);
            open.Push((_nodes.Count, part.From, middle, part.Depth + 1));
            open.Push((_nodes.Count + 1, middle, part.To, part.Depth + 1));
            _nodes.Add(default);
            _nodes.Add(default);
        }
    }

    /// <summary>How many triangles were looked at so far: the measure of work, which hostile files can make large.</summary>
    public long Tests { get; private set; }

    /// <summary>The distance to the nearest triangle other than <paramref name="except"/>, further than <paramref name="least"/>; null when nothing is hit or it takes too much work.</summary>
    /// <param name="direction">Of length 1.</param>
    public double? Nearest(Point origin, Point direction, int except, double least, int maxTests)
    {
        var best = double.PositiveInfinity;
        var limit = Tests + maxTests;
        Visit(origin, direction, () => best, triangle =>
        {
            if (triangle != except && Hit(origin, direction, triangle) is { } at && at > least && at < best) best = at;
            return Tests < limit;
        });
        return double.IsFinite(best) && Tests < limit ? best : null;
    }

    /// <summary>Every triangle that the ray goes through.</summary>
    public void All(Point origin, Point direction, List<int> hits) => Visit(origin, direction, () => double.PositiveInfinity, triangle =>
    {
        if (Hit(origin, direction, triangle) is > 0) hits.Add(triangle);
        return true;
    });

    private void Visit(Point origin, Point direction, Func<double> furthest, Func<int, bool> goesOn)
    {
        var inverse = new Point(1 / direction.X, 1 / direction.Y, 1 / direction.Z);
        var depth = 0;
        _stack[depth++] = 0;
        while (depth > 0)
        {
            var node = _nodes[_stack[--depth]];
            if (!Crosses(node, origin, inverse, furthest())) continue;
            if (node.Count == 0)
            {
                _stack[depth++] = node.First;
                _stack[depth++] = node.First + 1;
                continue;
            }
            for (var i = node.First; i < node.First + node.Count; i++)
            {
                Tests++;
                if (!goesOn(_order[i])) return;
            }
        }
    }

    private static bool Crosses(in Node node, Point origin, Point inverse, double furthest)
    {
        var (from, to) = (0.0, furthest);
        return Slab(node.Low.X, node.High.X, origin.X, inverse.X, ref from, ref to) && Slab(node.Low.Y, node.High.Y, origin.Y, inverse.Y, ref from, ref to)
            && Slab(node.Low.Z, node.High.Z, origin.Z, inverse.Z, ref from, ref to);
    }

    private static bool Slab(double low, double high, double origin, double inverse, ref double from, ref double to)
    {
        if (double.IsInfinity(inverse)) return low <= origin && origin <= high;
        var (near, far) = ((low - origin) * inverse, (high - origin) * inverse);
        if (near > far) (near, far) = (far, near);
        (from, to) = (Math.Max(from, near), Math.Min(to, far));
        return from <= to * (1 + 1e-12) + 1e-12;
    }

    /// <summary>Möller and Trumbore's test; null where the ray misses or runs along the triangle.</summary>
    private double? Hit(Point origin, Point direction, int triangle)
    {
        var a = _mesh.Corner(triangle, 0);
        var (ab, ac) = (_mesh.Corner(triangle, 1) - a, _mesh.Corner(triangle, 2) - a);
        var p = Point.Cross(direction, ac);
        var determinant = Point.Dot(ab, p);
        if (Math.Abs(determinant) < 1e-14 * ab.Length * ac.Length) return null;
        var s = origin - a;
        var u = Point.Dot(s, p) / determinant;
        if (u is < 0 or > 1) return null;
        var q = Point.Cross(s, ab);
        var v = Point.Dot(direction, q) / determinant;
        return v < 0 || u + v > 1 ? null : Point.Dot(ac, q) / determinant;
    }

    private (Point Low, Point High) Bounds(int from, int to)
    {
        var (low, high) = (_mesh.Corner(_order[from], 0), _mesh.Corner(_order[from], 0));
        for (var i = from; i < to; i++)
        {
            for (var c = 0; c < 3; c++)
            {
                var p = _mesh.Corner(_order[i], c);
                low = new Point(Math.Min(low.X, p.X), Math.Min(low.Y, p.Y), Math.Min(low.Z, p.Z));
                high = new Point(Math.Max(high.X, p.X), Math.Max(high.Y, p.Y), Math.Max(high.Z, p.Z));
            }
        }
        return (low, high);
    }

    /// <summary>Sorts the range in two by the centers on its longest axis; by number where their middle does not part them.</summary>
    private int Split(int from, int to, int depth)
    {
        if (depth >= MaxDepth) return from;
        Span<double> low = [double.MaxValue, double.MaxValue, double.MaxValue], high = [double.MinValue, double.MinValue, double.MinValue];
        for (var i = from; i < to; i++)
        {
            for (var a = 0; a < 3; a++)
            {
                var center = Center(_order[i], a);
                (low[a], high[a]) = (Math.Min(low[a], center), Math.Max(high[a], center));
            }
        }
        var axis = high[0] - low[0] >= high[1] - low[1] ? 0 : 1;
        if (high[2] - low[2] > high[axis] - low[axis]) axis = 2;
        var middle = (low[axis] + high[axis]) / 2;
        var (left, right) = (from, to);
        while (left < right)
        {
            if (Center(_order[left], axis) < middle)
            {
                left++;
                continue;
            }
            right--;
            (_order[left], _order[right]) = (_order[right], _order[left]);
        }
        return left == from || left == to ? (from + to) / 2 : left;
    }

    /// <summary>Three times the center: only compared.</summary>
    private double Center(int triangle, int axis)
    {
        var (corners, xyz) = (_mesh.Corners, _mesh.Xyz);
        return (double)xyz[corners[triangle * 3] * 3 + axis] + xyz[corners[triangle * 3 + 1] * 3 + axis] + xyz[corners[triangle * 3 + 2] * 3 + axis];
    }
}
