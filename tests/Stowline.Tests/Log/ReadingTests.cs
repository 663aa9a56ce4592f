using Stowline.Contracts;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Log;

/// Goal: an event is the same however it is read. Method: events of several callers, with and without what may be missing, from memory and from both databases, kept and in passing.
public class ReadingTests
{
    private sealed record Read(long Position, Guid Id, string Type, string Subject, Guid? OrderId, DateTimeOffset At, string Actor, string? Trace, string Payload);

    [Theory, EveryDatabase]
    public async Task Events_are_the_same_from_memory_from_the_database_and_in_passing(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        foreach (var caller in new[] { new Caller("ann"), new Caller("ann", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), new Caller("Žanna"), new Caller("Žanna") })
            Assert.True((await node.PumpUntilAsync(node.Lanes.ExecuteAsync(Lane.Hub, caller, NotesModule.Add("nöte")))).IsOk);
        var order = Guid.CreateVersion7();
        await node.RunAsync<long>(Lane.Hub, tx =>
        {
            tx.Append(Lane.Hub, new OrderReleased(order), order.ToString(), order);
            return ValueTask.FromResult<Kernel.Outcome<long>>(0);
        });

        var memory = (await node.Lanes.ReadAsync(Lane.Hub, 0, 10)).Select(Of).ToList();
        Assert.Equal((5, (Guid?)order, "Žanna", 1), (memory.Count, memory[4].OrderId, memory[3].Actor, memory.Count(e => e.Trace is not null)));
        Assert.Equal(memory, (await node.Database.ReadAsync(s => LaneReader.AfterAsync(s, Lane.Hub, 0, 10))).Select(Of));

        var passing = new List<Read>();
        await node.Lanes.ReadEachAsync(Lane.Hub, 0, 10, e => passing.Add(Of(e.Keep())));
        Assert.Equal(memory, passing);
        passing.Clear();
        await node.Database.ReadAsync(async s =>
        {
            await LaneReader.EachAfterAsync(s, Lane.Hub, 1, 3, e => passing.Add(Of(e.Keep())));
            return true;
        });
        Assert.Equal(memory[1..4], passing);
    }

    private static Read Of(EventRecord e) => new(e.Position, e.Id, e.Type, e.Subject, e.OrderId, e.At, e.Actor, e.Trace, Convert.ToHexString(e.Payload));
}
