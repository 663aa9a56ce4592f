using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Pipelines;
using Google.Protobuf;

namespace Stowline.Server.Grpc;

/// <summary>gRPC's frames: a flag byte, four bytes of length, the message.</summary>
internal static class Frames
{
    /// <summary>The largest message that is taken, also after decompression. More than the body limit of the REST API, because Protobuf has no bulk calls apart.</summary>
    public const int MostBytes = 16 * 1024 * 1024;

    public const string Encodings = "identity,gzip";
    private const int HeadLength = 5;

    /// <summary>Reads the next message; null at the end.</summary>
    /// <exception cref="RpcException">It is too large, cut off, compressed in an unknown way, or no message of this kind.</exception>
    public static async ValueTask<T?> ReadAsync<T>(PipeReader body, MessageParser<T> parser, string? encoding, CancellationToken ct) where T : class, IMessage<T>
    {
        while (true)
        {
            var read = await body.ReadAsync(ct);
            var buffer = read.Buffer;
            var (consumed, examined) = (buffer.Start, buffer.End);
            try
            {
                if (TryCut(buffer, out var isCompressed, out var message))
                {
                    var parsed = Parse(parser, isCompressed ? Decompress(message, encoding) : message);
                    consumed = examined = message.End;
                    return parsed;
                }
            }
            finally
            {
                body.AdvanceTo(consumed, examined); // also when it throws: somebody may want to read on
            }
            if (!read.IsCompleted) continue;
            return buffer.IsEmpty ? null : throw new RpcException(new Status(StatusCode.Internal, "the request ended inside a message"));
        }
    }

    private static bool TryCut(in ReadOnlySequence<byte> buffer, out bool isCompressed, out ReadOnlySequence<byte> message)
    {
        (isCompressed, message) = (false, default);
        if (buffer.Length < HeadLength) return false;
        Span<byte> head = stackalloc byte[HeadLength];
        buffer.Slice(0, HeadLength).CopyTo(head);
        var length = BinaryPrimitives.ReadUInt32BigEndian(head[1..]);
        if (head[0] > 1) throw new RpcException(new Status(StatusCode.Internal, "a message begins with an unknown flag"));
        if (length > MostBytes) throw TooLarge();
        if (buffer.Length < HeadLength + length) return false;
        (isCompressed, message) = (head[0] == 1, buffer.Slice(HeadLength, length));
        return true;
    }

    private static T Parse<T>(MessageParser<T> parser, in ReadOnlySequence<byte> message) where T : IMessage<T>
    {
        try
        {
            var parsed = parser.ParseFrom(message);
            // Without a zero byte there is no NUL in any text, and hardly anything but a coordinate has one.
            return message.PositionOf((byte)0) is not null && MessageTexts.FindNul(parsed) is { } hostile ? throw new RpcException(hostile) : parsed;
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new RpcException(new Status(StatusCode.Internal, $"the message is not a {parser.ParseFrom(ReadOnlySequence<byte>.Empty).Descriptor.FullName}: {e.Message}"));
        }
    }

    private static ReadOnlySequence<byte> Decompress(in ReadOnlySequence<byte> message, string? encoding)
    {
        if (encoding is null or "" or "identity") throw new RpcException(new Status(StatusCode.Internal, "a message is compressed, but grpc-encoding does not say how"));
        try
        {
            using var gzip = new GZipStream(new MemoryStream(message.ToArray()), CompressionMode.Decompress);
            var plain = new MemoryStream();
            var part = new byte[64 * 1024];
            for (int read; (read = gzip.Read(part)) > 0;)
            {
                plain.Write(part, 0, read);
                if (plain.Length > MostBytes) throw TooLarge(); // a few kilobytes can hold gigabytes
            }
            return new ReadOnlySequence<byte>(plain.GetBuffer(), 0, (int)plain.Length);
        }
        catch (InvalidDataException e)
        {
            throw new RpcException(new Status(StatusCode.Internal, "a message is not gzip: " + e.Message));
        }
    }

    private static RpcException TooLarge() => new(new Status(StatusCode.ResourceExhausted, $"a message may have {MostBytes} bytes at most"));

    /// <summary>Puts a message into the answer. The caller flushes.</summary>
    public static void Write(PipeWriter body, IMessage message)
    {
        var length = message.CalculateSize();
        var head = body.GetSpan(HeadLength);
        head[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(head[1..], (uint)length);
        body.Advance(HeadLength);
        message.WriteTo(body);
    }
}
