namespace Stowline.Hub.Quotes.Mesh;

/// <summary>
/// How the triangles hang together. A surface encloses a volume when at every edge as many triangles end from one side as from the other. Triangles that
/// face against their neighbors are turned; what hangs together is a shell.
/// </summary>
/// <param name="ShellOf">Triangle → shell, from 0.</param>
/// <param name="Turned">Triangle → whether its corners are to be read backwards to agree with the rest of its shell.</param>
/// <param name="SharedEdges">Edges at which more than two triangles meet: closed, but solids touch there.</param>
internal sealed record MeshTopology(int Shells, int[] ShellOf, bool[] Turned, int SharedEdges)
{
    private const int MaxShells = 20_000;

    public static MeshTopology Of(TriangleMesh mesh, Work work)
    {
        var (edges, owners) = Edges(mesh);
        Array.Sort(edges, owners); // equal edges come together, those of one direction first
        work.At(60);
        var links = new ParityForest(mesh.Count);
        var shared = 0;
        long open = 0;
        string? example = null;
        for (int from = 0, to; from < edges.Length; from = to)
        {
            to = from + 1;
            while (to < edges.Length && edges[to] >> 1 == edges[from] >> 1) to++;
            if (to - from == 2) Link(links, owners[from], owners[from + 1], isTurned: edges[from] == edges[from + 1]);
            else if (to - from == 1)
            {
                open++;
                example ??= $"from {mesh.Vertex((int)(edges[from] >> 32))} to {mesh.Vertex((int)(edges[from] >> 1 & int.MaxValue))}";
            }
            else
            {
                LinkShared(mesh, links, edges.AsSpan(from, to - from), owners.AsSpan(from, to - from));
                shared++;
            }
        }
        if (open > 0) throw new InvalidModelException("not_watertight", $"the surface has holes: {open:N0} open edges, the first {example}");
        work.At(65);
        return Number(mesh.Count, links, shared);
    }

    /// <summary>Each triangle's edges: the lower vertex, the higher one, and in the lowest bit which way it is walked.</summary>
    private static (ulong[] Edges, int[] Owners) Edges(TriangleMesh mesh)
    {
        var edges = new ulong[mesh.Corners.Length];
        var owners = new int[edges.Length];
        for (var t = 0; t < mesh.Count; t++)
        {
            for (var c = 0; c < 3; c++)
            {
                var (a, b) = (mesh.Corners[t * 3 + c], mesh.Corners[t * 3 + (c + 1) % 3]);
                edges[t * 3 + c] = (ulong)Math.Min(a, b) << 32 | (ulong)Math.Max(a, b) << 1 | (a < b ? 0u : 1u);
                owners[t * 3 + c] = t;
            }
        }
        return (edges, owners);
    }

    private static void Link(ParityForest links, int a, int b, bool isTurned)
    {
        if (!links.Link(a, b, isTurned)) throw new InvalidModelException("not_orientable", "the surface has no inside, like a Möbius strip");
    }

    /// <summary>Where solids touch at an edge the file's own directions pair the triangles: nothing else tells which belong together.</summary>
    private static void LinkShared(TriangleMesh mesh, ParityForest links, ReadOnlySpan<ulong> edges, ReadOnlySpan<int> owners)
    {
        var forward = 0;
        while (forward < edges.Length && edges[forward] == edges[0]) forward++;
        if (forward * 2 != edges.Length)
            throw new InvalidModelException("non_manifold", $"{edges.Length} triangles meet at the edge from {mesh.Vertex((int)(edges[0] >> 32))} and do not enclose anything");
        for (var i = 0; i < forward; i++) Link(links, owners[i], owners[forward + i], isTurned: false);
    }

    private static MeshTopology Number(int count, ParityForest links, int shared)
    {
        var shellOf = new int[count];
        var turned = new bool[count];
        var numbers = new Dictionary<int, int>();
        for (var t = 0; t < count; t++)
        {
            var (root, isTurned) = links.Find(t);
            if (!numbers.TryGetValue(root, out var shell))
            {
                if (numbers.Count == MaxShells) throw new InvalidModelException("too_complex", $"more than {MaxShells:N0} separate shells");
                numbers[root] = shell = numbers.Count;
            }
            (shellOf[t], turned[t]) = (shell, isTurned);
        }
        return new MeshTopology(numbers.Count, shellOf, turned, shared);
    }

    /// <summary>Union-find that knows of each member whether it is turned against its root.</summary>
    private sealed class ParityForest
    {
        private readonly int[] _parent;
        private readonly bool[] _turned;
        private readonly byte[] _rank;

        public ParityForest(int count)
        {
            (_parent, _turned, _rank) = (new int[count], new bool[count], new byte[count]);
            for (var i = 0; i < count; i++) _parent[i] = i;
        }

        public (int Root, bool Turned) Find(int member)
        {
            var (root, turned) = (member, false);
            for (; _parent[root] != root; root = _parent[root]) turned ^= _turned[root];
            var (at, left) = (member, turned);
            while (_parent[at] != root && at != root)
            {
                var (next, own) = (_parent[at], _turned[at]);
                (_parent[at], _turned[at]) = (root, left);
                (at, left) = (next, left ^ own);
            }
            return (root, turned);
        }

        /// <summary>False when the two are linked already, the other way around.</summary>
        public bool Link(int a, int b, bool isTurned)
        {
            var (rootA, turnedA) = Find(a);
            var (rootB, turnedB) = Find(b);
            if (rootA == rootB) return (turnedA ^ turnedB) == isTurned;
            if (_rank[rootA] < _rank[rootB]) (rootA, rootB) = (rootB, rootA);
            if (_rank[rootA] == _rank[rootB]) _rank[rootA]++;
            (_parent[rootB], _turned[rootB]) = (rootA, turnedA ^ turnedB ^ isTurned);
            return true;
        }
    }
}
