using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Stowline.Log;

namespace Stowline.Simulation;

/// <summary>A hash over all that was decided and all that was written, in order: two runs of one seed must agree in it.</summary>
internal sealed class Trace : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public void Add(string what, long number)
    {
        Span<byte> bytes = stackalloc byte[64];
        var length = Encoding.UTF8.GetBytes(what, bytes);
        BinaryPrimitives.WriteInt64BigEndian(bytes[length..], number);
        _hash.AppendData(bytes[..(length + 8)]);
    }

    public void Add(string lane, IReadOnlyList<EventRecord> events)
    {
        Add(lane, events[^1].Position);
        foreach (var e in events) _hash.AppendData(e.Payload);
    }

    public string End() => Convert.ToHexStringLower(_hash.GetHashAndReset())[..16];

    public void Dispose() => _hash.Dispose();
}
