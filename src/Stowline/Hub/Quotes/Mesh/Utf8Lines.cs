using System.Buffers.Text;
using System.Text;

namespace Stowline.Hub.Quotes.Mesh;

/// <summary>Reads a text file line by line through a small buffer: a line may be long, but not without end.</summary>
internal sealed class Utf8Lines(Stream stream)
{
    private const int MaxLine = 1024 * 1024;
    private byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;
    private bool _ended;

    /// <summary>The line's number, from 1.</summary>
    public long Number { get; private set; }
    public long BytesRead { get; private set; }

    /// <summary>The next line without its end. Good until the next call.</summary>
    public bool TryNext(out ReadOnlySpan<byte> line)
    {
        while (true)
        {
            var rest = _buffer.AsSpan(_start, _end - _start);
            var length = rest.IndexOf((byte)'\n');
            if (length >= 0 || _ended && rest.Length > 0)
            {
                line = length >= 0 ? rest[..length] : rest;
                _start += length >= 0 ? length + 1 : rest.Length;
                Number++;
                return true;
            }
            if (_ended)
            {
                line = default;
                return false;
            }
            Fill();
        }
    }

    private void Fill()
    {
        if (_end - _start >= MaxLine) throw new InvalidModelException("malformed", $"line {Number + 1} is longer than 1 MB");
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        if (_end == _buffer.Length) Array.Resize(ref _buffer, _buffer.Length * 2);
        var read = stream.Read(_buffer, _end, _buffer.Length - _end);
        _ended = read == 0;
        _end += read;
        BytesRead += read;
    }

    /// <summary>Takes the first word of a line; empty at its end.</summary>
    public static ReadOnlySpan<byte> Word(ref ReadOnlySpan<byte> line)
    {
        var from = 0;
        while (from < line.Length && line[from] <= ' ') from++;
        var to = from;
        while (to < line.Length && line[to] > ' ') to++;
        var word = line[from..to];
        line = line[to..];
        return word;
    }

    public float Number32(ref ReadOnlySpan<byte> line)
    {
        var word = Word(ref line);
        if (word.Length == 0) throw new InvalidModelException("malformed", $"line {Number}: a number is missing");
        if (!Utf8Parser.TryParse(word, out double value, out var used) || used != word.Length)
            throw new InvalidModelException("not_a_number", $"line {Number}: '{Show(word)}' is not a number");
        return (float)value;
    }

    /// <summary>A piece of a file for a message: short, and without what a terminal would act on.</summary>
    public static string Show(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.Latin1.GetString(bytes[..Math.Min(bytes.Length, 24)]);
        return string.Concat(text.Select(c => c is >= ' ' and <= '~' ? c : '?'));
    }
}
