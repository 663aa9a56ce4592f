using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Serialization;
using Stowline.Log;

namespace Stowline.Link;

/// <summary>What a frame is: its first byte. Appended to, never renumbered; a frame of an unknown kind is passed over, a newer node sent it.</summary>
internal enum FrameKind : byte { Hello = 1, Batch = 2, Ack = 3, Beat = 4, Diverged = 5, Bye = 6, Fork = 7, Joined = 8 }

/// <summary>Where a lane stands at whoever says so, and whether they write it.</summary>
/// <param name="Held">Its writer was restored from a backup, and asks back what the other side has.</param>
/// <param name="Head">Of a copy: how far its writer has ever said that the lane goes.</param>
internal sealed record LinkLane(string Name, int Incarnation, long Position, byte[] Hash, bool Writes, bool Held = false, long Head = 0);

/// <summary>The first word of each side. Unknown members are ignored: a newer node says more.</summary>
/// <param name="Protocol">The highest version that the side speaks; the lower of both is spoken.</param>
internal sealed record LinkHello(int Protocol, string Node, string Version, string Site, int Ordinal, IReadOnlyList<LinkLane> Lanes);

/// <summary>The copy of a lane is durable up to here.</summary>
internal sealed record LinkAck(string Lane, long Position);

internal sealed record LinkHead(string Lane, long Position);

/// <summary>I am still here, and my lanes go so far.</summary>
internal sealed record LinkBeat(IReadOnlyList<LinkHead> Heads);

/// <summary>This lane cannot go on: its copy and it have different histories.</summary>
internal sealed record LinkDiverged(string Lane, string Reason);

/// <summary>A point in the history of a lane: the end of a group.</summary>
internal sealed record LinkPoint(string Lane, int Incarnation, long Position, byte[] Hash)
{
    public LanePoint Point => new() { Name = Lane, Incarnation = Incarnation, Position = Position, Hash = Hash };
}

/// <summary>From the writer of lanes, which was restored: your copies have another history. Here my incarnations ended; give me all that you have behind the last of these points that you know.</summary>
internal sealed record LinkFork(IReadOnlyList<LinkPoint> Points);

/// <summary>From the writer: all of it is in the lanes now. Go back to these points, one of each lane, and follow me from there.</summary>
/// <param name="Heads">How far the lanes go now: what is behind the points follows, and the copy goes back when it has all of that. Null from an older writer, and to an older copy: it goes back at once.</param>
/// <param name="Taken">How far the copies were taken in.</param>
internal sealed record LinkJoin(IReadOnlyList<LinkPoint> Points, IReadOnlyList<LinkPoint>? Heads = null, IReadOnlyList<LinkHead>? Taken = null);

/// <summary>The last word, and why.</summary>
internal sealed record LinkBye(string Code, string Detail);

/// <summary>Whole groups of one lane, with the keys of the persons they speak of as far as the other side needs them.</summary>
internal sealed record LinkBatch(Lane Lane, IReadOnlyList<LaneGroup> Groups, IReadOnlyList<PersonKey> Keys);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(LinkHello))]
[JsonSerializable(typeof(LinkAck))]
[JsonSerializable(typeof(LinkBeat))]
[JsonSerializable(typeof(LinkDiverged))]
[JsonSerializable(typeof(LinkBye))]
[JsonSerializable(typeof(LinkFork))]
[JsonSerializable(typeof(LinkJoin))]
internal sealed partial class LinkFrameJson : JsonSerializerContext;

/// <summary>The other side said something that is no frame of this protocol.</summary>
public sealed class LinkBrokenException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Frames as bytes: one byte that says what it is, then JSON for the few words that the sides exchange, or the compressed binary form of a batch, which is
/// nearly all that is ever sent.
/// </summary>
internal static class LinkFrames
{
    public const int Protocol = 3;

    /// <summary>From this version on a copy that knows another history gives it, and leaves it to the writer to say so.</summary>
    public const int JoinProtocol = 2;

    /// <summary>From this version on it keeps the new history while that comes, and goes back when it is here.</summary>
    public const int FollowProtocol = 3;

    /// <summary>No frame is larger: a group is at most 256 commands, and the largest body of a command is 64 MB.</summary>
    public const int Largest = 256 * 1024 * 1024;

    private const byte Compressed = 1;
    private const int WorthCompressing = 512;

    public static byte[] Write(LinkHello hello) => Write(FrameKind.Hello, JsonSerializer.SerializeToUtf8Bytes(hello, LinkFrameJson.Default.LinkHello));
    public static byte[] Write(LinkAck ack) => Write(FrameKind.Ack, JsonSerializer.SerializeToUtf8Bytes(ack, LinkFrameJson.Default.LinkAck));
    public static byte[] Write(LinkBeat beat) => Write(FrameKind.Beat, JsonSerializer.SerializeToUtf8Bytes(beat, LinkFrameJson.Default.LinkBeat));
    public static byte[] Write(LinkDiverged diverged) => Write(FrameKind.Diverged, JsonSerializer.SerializeToUtf8Bytes(diverged, LinkFrameJson.Default.LinkDiverged));
    public static byte[] Write(LinkBye bye) => Write(FrameKind.Bye, JsonSerializer.SerializeToUtf8Bytes(bye, LinkFrameJson.Default.LinkBye));

    public static byte[] Write(LinkFork fork) => Write(FrameKind.Fork, JsonSerializer.SerializeToUtf8Bytes(fork, LinkFrameJson.Default.LinkFork));
    public static byte[] Write(LinkJoin join) => Write(FrameKind.Joined, JsonSerializer.SerializeToUtf8Bytes(join, LinkFrameJson.Default.LinkJoin));

    private static byte[] Write(FrameKind kind, byte[] json) => [(byte)kind, .. json];

    public static FrameKind KindOf(byte[] frame) => frame.Length == 0 ? throw new LinkBrokenException("an empty frame") : (FrameKind)frame[0];

    public static LinkHello Hello(byte[] frame) => Read(frame, LinkFrameJson.Default.LinkHello);
    public static LinkAck Ack(byte[] frame) => Read(frame, LinkFrameJson.Default.LinkAck);
    public static LinkBeat Beat(byte[] frame) => Read(frame, LinkFrameJson.Default.LinkBeat);
    public static LinkDiverged Diverged(byte[] frame) => Read(frame, LinkFrameJson.Default.LinkDiverged);
    public static LinkBye Bye(byte[] frame) => Read(frame, LinkFrameJson.Default.LinkBye);

    public static LinkFork Fork(byte[] frame) => Read(frame, LinkFrameJson.Default.LinkFork);
    public static LinkJoin Join(byte[] frame) => Read(frame, LinkFrameJson.Default.LinkJoin);

    private static T Read<T>(byte[] frame, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(frame.AsSpan(1), type) ?? throw new LinkBrokenException("a frame says nothing");
        }
        catch (JsonException e)
        {
            throw new LinkBrokenException("a frame is not what its kind says: " + e.Message, e);
        }
    }

    public static byte[] Write(LinkBatch batch)
    {
        using var plain = new MemoryStream();
        using (var writer = new BinaryWriter(plain, System.Text.Encoding.UTF8, leaveOpen: true)) WriteBody(writer, batch);
        var body = plain.GetBuffer().AsSpan(0, (int)plain.Length);
        using var frame = new MemoryStream((int)plain.Length / 2 + 16);
        frame.WriteByte((byte)FrameKind.Batch);
        if (body.Length < WorthCompressing)
        {
            frame.WriteByte(0);
            frame.Write(body);
        }
        else
        {
            frame.WriteByte(Compressed);
            using var brotli = new BrotliStream(frame, CompressionLevel.Fastest, leaveOpen: true);
            brotli.Write(body);
        }
        return frame.ToArray();
    }

    private static void WriteBody(BinaryWriter writer, LinkBatch batch)
    {
        writer.Write(batch.Lane.Name);
        writer.Write(batch.Groups.Count);
        foreach (var group in batch.Groups)
        {
            writer.Write(group.First);
            writer.Write(group.Incarnation);
            Bytes(writer, group.Hash);
            writer.Write(group.Events.Count);
            foreach (var e in group.Events)
            {
                writer.Write(e.Id.ToByteArray(bigEndian: true));
                writer.Write(e.Type);
                writer.Write(e.Subject);
                writer.Write((e.OrderId ?? Guid.Empty).ToByteArray(bigEndian: true));
                Time(writer, e.At);
                writer.Write(e.Actor);
                writer.Write(e.Trace is not null);
                if (e.Trace is not null) writer.Write(e.Trace);
                Bytes(writer, e.Payload);
            }
        }
        writer.Write(batch.Keys.Count);
        foreach (var key in batch.Keys)
        {
            writer.Write(key.Person.ToByteArray(bigEndian: true));
            Bytes(writer, key.Key);
            Time(writer, key.CreatedAt);
        }
    }

    public static LinkBatch Batch(byte[] frame)
    {
        try
        {
            using var bytes = new MemoryStream(frame, 2, frame.Length - 2, writable: false);
            using Stream plain = frame[1] == Compressed ? new BrotliStream(bytes, CompressionMode.Decompress) : bytes;
            using var reader = new BinaryReader(plain, System.Text.Encoding.UTF8);
            return ReadBody(reader);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or ArgumentException or FormatException or InvalidOperationException or OverflowException)
        {
            throw new LinkBrokenException("a batch cannot be read: " + e.Message, e);
        }
    }

    private static LinkBatch ReadBody(BinaryReader reader)
    {
        var lane = new Lane(reader.ReadString());
        var groups = new List<LaneGroup>();
        for (var left = Count(reader); left > 0; left--)
        {
            var first = reader.ReadInt64();
            var incarnation = reader.ReadInt32();
            var hash = Bytes(reader);
            var events = new List<EventRecord>();
            for (var i = Count(reader); i > 0; i--) events.Add(Event(reader, lane, first + events.Count));
            groups.Add(new LaneGroup(first, incarnation, hash, events));
        }
        var keys = new List<PersonKey>();
        for (var left = Count(reader); left > 0; left--) keys.Add(new PersonKey(Id(reader), Bytes(reader), Time(reader)));
        return new LinkBatch(lane, groups, keys);
    }

    private static EventRecord Event(BinaryReader reader, Lane lane, long position)
    {
        var (id, type, subject, order) = (Id(reader), reader.ReadString(), reader.ReadString(), Id(reader));
        var (at, actor) = (Time(reader), reader.ReadString());
        var trace = reader.ReadBoolean() ? reader.ReadString() : null;
        return new EventRecord(lane, position, id, type, subject, order == Guid.Empty ? null : order, at, actor, trace, Bytes(reader));
    }

    private static Guid Id(BinaryReader reader) => new(Exactly(reader, 16), bigEndian: true);

    /// <summary>To the microsecond, as it is stored and hashed.</summary>
    private static void Time(BinaryWriter writer, DateTimeOffset time) => writer.Write(time.UtcTicks / 10);
    private static DateTimeOffset Time(BinaryReader reader) => new(reader.ReadInt64() * 10, TimeSpan.Zero);

    private static void Bytes(BinaryWriter writer, byte[] bytes)
    {
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }

    private static byte[] Bytes(BinaryReader reader) => Exactly(reader, Count(reader));

    private static byte[] Exactly(BinaryReader reader, int length)
    {
        var bytes = reader.ReadBytes(length);
        return bytes.Length == length ? bytes : throw new EndOfStreamException("it ends too early");
    }

    private static int Count(BinaryReader reader) =>
        reader.ReadInt32() is var count and >= 0 and <= Largest ? count : throw new InvalidDataException("it counts wrong");
}
