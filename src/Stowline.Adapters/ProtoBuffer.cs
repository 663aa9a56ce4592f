using System.Text;
using System.Text.Json;

namespace Stowline.Adapters;

/// <summary>
/// Protobuf fields, written straight into memory that is used again for the next message. For what is written a hundred thousand times in a second; everything else uses the generated
/// messages. As in proto3 a field with its default value is left out.
/// </summary>
internal sealed class ProtoBuffer
{
    private const int LengthDelimited = 2;
    private byte[] _bytes = new byte[4_096];
    private int _at;

    public void Clear() => _at = 0;

    /// <summary>What was written, until more is.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _at);

    public void Number(int field, long value)
    {
        if (value == 0) return;
        Varint((uint)field << 3);
        Varint((ulong)value);
    }

    public void Text(int field, string? text)
    {
        if (string.IsNullOrEmpty(text)) return;
        var message = Begin(field);
        Need(Encoding.UTF8.GetMaxByteCount(text.Length));
        _at += Encoding.UTF8.GetBytes(text, _bytes.AsSpan(_at));
        End(message);
    }

    /// <summary>A text of JSON. Where nothing in it is escaped its bytes are the field's.</summary>
    public void Text(int field, in Utf8JsonReader json)
    {
        if (json.ValueIsEscaped) Text(field, json.GetString());
        else if (json.TokenType == JsonTokenType.String) Bytes(field, json.ValueSpan, []);
    }

    /// <summary>An id as text, as <see cref="Guid.ToString()"/> writes it.</summary>
    public void Id(int field, Guid id)
    {
        Span<byte> text = stackalloc byte[36];
        id.TryFormat(text, out var written);
        Bytes(field, text[..written], []);
    }

    /// <summary>A field of two pieces, one behind the other.</summary>
    public void Bytes(int field, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        var length = first.Length + second.Length;
        if (length == 0) return;
        Varint((uint)(field << 3 | LengthDelimited));
        Varint((uint)length);
        Need(length);
        first.CopyTo(_bytes.AsSpan(_at));
        second.CopyTo(_bytes.AsSpan(_at + first.Length));
        _at += length;
    }

    /// <summary><c>google.protobuf.Timestamp</c>.</summary>
    public void Time(int field, DateTimeOffset at)
    {
        var (seconds, ticks) = Math.DivRem(at.UtcTicks - DateTime.UnixEpoch.Ticks, TimeSpan.TicksPerSecond);
        if (ticks < 0) (seconds, ticks) = (seconds - 1, ticks + TimeSpan.TicksPerSecond); // nanoseconds count forward, also before 1970
        var message = Begin(field);
        Number(1, seconds);
        Number(2, ticks * TimeSpan.NanosecondsPerTick);
        End(message);
    }

    /// <summary>Begins a message within the message; it is there even if nothing is written into it. One byte is kept for its length.</summary>
    public int Begin(int field)
    {
        Varint((uint)(field << 3 | LengthDelimited));
        Need(1);
        return ++_at;
    }

    /// <summary>Writes the length; a longer one moves what was written.</summary>
    public void End(int begin)
    {
        var length = _at - begin;
        if (length < 0x80)
        {
            _bytes[begin - 1] = (byte)length;
            return;
        }
        var more = 1;
        for (var left = length >> 14; left > 0; left >>= 7) more++;
        Need(more);
        _bytes.AsSpan(begin, length).CopyTo(_bytes.AsSpan(begin + more));
        _at = begin - 1;
        Varint((uint)length);
        _at += length;
    }

    private void Varint(ulong value)
    {
        Need(10);
        for (; value >= 0x80; value >>= 7) _bytes[_at++] = (byte)(value | 0x80);
        _bytes[_at++] = (byte)value;
    }

    private void Need(int more)
    {
        if (_bytes.Length - _at < more) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _at + more));
    }
}
