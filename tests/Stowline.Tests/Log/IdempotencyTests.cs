using System.Text;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Log;

public class IdempotencyTests
{
    private static StoredAnswer? Render(Outcome<long> outcome) =>
        outcome.IsOk ? new StoredAnswer(201, null, Encoding.UTF8.GetBytes($"{outcome.Value}")) : outcome.Refusal!.Kind == RefusalKind.Conflict ? new StoredAnswer(409, null, "no"u8.ToArray()) : null;

    private static Task<CommandResult<long>> GiveAsync(TestNode node, string key, string body, Func<LaneTransaction, ValueTask<Outcome<long>>>? decide = null) =>
        node.Lanes.ExecuteAsync(Lane.Hub, new Caller("shop", null, IdempotencyKey.Of("shop", "POST", "/notes", key, Encoding.UTF8.GetBytes(body))),
            decide ?? NotesModule.Add("n"), Render, 1, default);

    [Theory, EveryDatabase]
    public async Task The_same_key_and_body_get_the_first_answer_again_and_nothing_is_done_twice(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        var first = await node.PumpUntilAsync(GiveAsync(node, "k", "body"));
        var again = await node.PumpUntilAsync(GiveAsync(node, "k", "body"));
        Assert.False(first.Replayed);
        Assert.True(again.Replayed);
        Assert.Equal(first.Answer!.Body, again.Answer!.Body);
        Assert.Equal(1, await NotesModule.ValueAsync(node.Database, "n"));
    }

    [Theory, EveryDatabase]
    public async Task The_same_key_with_another_body_is_refused(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        await node.PumpUntilAsync(GiveAsync(node, "k", "body"));
        var other = await node.PumpUntilAsync(GiveAsync(node, "k", "another body"));
        Assert.Equal((RefusalKind.Unprocessable, "idempotency_key_reused"), (other.Outcome.Refusal!.Kind, other.Outcome.Refusal.Code));
        Assert.Equal(1, await NotesModule.ValueAsync(node.Database, "n"));
    }

    [Theory, EveryDatabase]
    public async Task Two_that_wait_for_the_same_group_are_told_apart_too(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        var (one, two, other) = (GiveAsync(node, "k", "body"), GiveAsync(node, "k", "body"), GiveAsync(node, "k", "else"));
        await node.PumpUntilAsync(Task.WhenAll(one, two, other));
        Assert.False((await one).Replayed);
        Assert.True((await two).Replayed);
        Assert.Equal("idempotency_key_reused", (await other).Outcome.Refusal!.Code);
        Assert.Equal(1, await NotesModule.ValueAsync(node.Database, "n"));
    }

    [Theory, EveryDatabase]
    public async Task A_conflict_is_kept_and_invalid_input_is_not(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        await node.PumpUntilAsync(GiveAsync(node, "c", "body", _ => ValueTask.FromResult<Outcome<long>>(Refusal.Conflict("no", "no"))));
        Assert.True((await node.PumpUntilAsync(GiveAsync(node, "c", "body"))).Replayed);
        await node.PumpUntilAsync(GiveAsync(node, "i", "body", _ => ValueTask.FromResult<Outcome<long>>(Refusal.Invalid("x", "is wrong"))));
        Assert.False((await node.PumpUntilAsync(GiveAsync(node, "i", "body"))).Replayed);
        Assert.Equal(1, await NotesModule.ValueAsync(node.Database, "n"));
    }

    [Theory, EveryDatabase]
    public async Task A_key_is_forgotten_after_thirty_days(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        await node.PumpUntilAsync(GiveAsync(node, "k", "body"));
        node.Time.Advance(TimeSpan.FromDays(29));
        await node.DrainAsync();
        Assert.True((await node.PumpUntilAsync(GiveAsync(node, "k", "body"))).Replayed);
        node.Time.Advance(TimeSpan.FromDays(2));
        await node.DrainAsync();
        Assert.False((await node.PumpUntilAsync(GiveAsync(node, "k", "body"))).Replayed);
    }
}
