using System.Buffers;

namespace Stowline.Adapters.Brokers;

/// <summary>Bytes of many messages in few large pieces of pooled memory.</summary>
internal sealed class MessageMemory
{
    private const int Piece = 256 * 1024;
    private readonly List<byte[]> _pieces = [];
    private int _used = Piece;

    /// <summary>Copies the bytes. What is given back is good until <see cref="Free"/>.</summary>
    public ReadOnlyMemory<byte> Keep(ReadOnlySpan<byte> bytes)
    {
        if (_pieces.Count == 0 || bytes.Length > _pieces[^1].Length - _used)
        {
            _pieces.Add(ArrayPool<byte>.Shared.Rent(Math.Max(Piece, bytes.Length)));
            _used = 0;
        }
        var place = _pieces[^1].AsMemory(_used, bytes.Length);
        bytes.CopyTo(place.Span);
        _used += bytes.Length;
        return place;
    }

    /// <summary>Nobody reads any of it any more.</summary>
    public void Free()
    {
        foreach (var piece in _pieces) ArrayPool<byte>.Shared.Return(piece);
        _pieces.Clear();
        _used = Piece;
    }
}
