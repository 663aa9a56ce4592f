using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Stowline.Kernel;

/// <summary>
/// Makes ids: UUIDv7 (RFC 9562) from the injected clock, so that ids sort by age and indices on them grow at one end. Within one
/// millisecond the ids of one source still ascend (a counter in the 12 bits of rand_a). With a seed it is repeatable for the simulator.
/// </summary>
public sealed class IdSource
{
    private readonly TimeProvider _time;
    private readonly Random? _seeded;
    private readonly Lock _gate = new();
    private readonly byte[] _random = new byte[1024]; // asking the system's source for eight bytes costs a microsecond, for a thousand hardly more
    private int _used = 1024;
    private long _lastMs;
    private int _counter;

    public IdSource(TimeProvider time, int? seed = null)
    {
        _time = time;
        _seeded = seed is { } s ? new Random(s) : null;
    }

    public Guid Next()
    {
        Span<byte> bytes = stackalloc byte[16];
        long ms;
        int counter;
        lock (_gate)
        {
            Draw(bytes[8..]);
            ms = _time.GetUtcNow().ToUnixTimeMilliseconds();
            if (ms > _lastMs)
            {
                _lastMs = ms;
                _counter = bytes[8] & 0x3F; // start low so that the counter has room to climb
            }
            else if (++_counter > 0xFFF)
            {
                _lastMs++; // borrow from the next millisecond rather than go backwards; also holds when the clock steps back
                _counter = 0;
            }
            ms = _lastMs;
            counter = _counter;
        }
        BinaryPrimitives.WriteInt64BigEndian(bytes, ms << 16 | (long)(0x7000 | counter));
        bytes[8] = (byte)(bytes[8] & 0x3F | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>Random bytes, each handed out once. Under the gate.</summary>
    private void Draw(Span<byte> bytes)
    {
        if (_seeded is not null)
        {
            _seeded.NextBytes(bytes);
            return;
        }
        if (_used + bytes.Length > _random.Length)
        {
            RandomNumberGenerator.Fill(_random);
            _used = 0;
        }
        _random.AsSpan(_used, bytes.Length).CopyTo(bytes);
        _used += bytes.Length;
    }

    /// <summary>The smallest id of a time: whatever was made later by this clock sorts behind it. For conditions on time that can use an index of ids.</summary>
    public static Guid FirstOf(DateTimeOffset time)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        BinaryPrimitives.WriteInt64BigEndian(bytes, Math.Max(0, time.ToUnixTimeMilliseconds()) << 16);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>A number in [0, 1): for jitter and the like.</summary>
    public double NextDouble()
    {
        lock (_gate)
        {
            if (_seeded is not null) return _seeded.NextDouble();
        }
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return (BinaryPrimitives.ReadUInt64LittleEndian(bytes) >> 11) * (1.0 / (1UL << 53));
    }

    public void Fill(Span<byte> bytes)
    {
        lock (_gate)
        {
            if (_seeded is not null) { _seeded.NextBytes(bytes); return; }
        }
        RandomNumberGenerator.Fill(bytes);
    }

    /// <summary>The four characters that people call out over the counter (K1).</summary>
    public static string DisplayId(Guid id) => id.ToString("N")[28..];
}
