using System.Text;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Log;

/// <summary>What the log must prove: that nobody altered it, also where a person was erased from it.</summary>
public class TruthTests
{
    [Theory, EveryDatabase]
    public async Task An_altered_event_is_found(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        for (var i = 0; i < 3; i++) await node.AddAsync("n");
        await node.VerifyAsync();
        await using (var session = await node.Database.OpenAsync(readOnly: false, default))
            await session.ExecuteAsync("UPDATE events SET payload = @forged WHERE position = 2", new { forged = Encoding.UTF8.GetBytes("{}") });
        var report = await Verification.RunAsync(node.Node);
        Assert.False(report.Ok);
        Assert.Equal("hub: the group at 2 was altered: its hash does not match its events", report.Checks["lanes"]);
    }

    [Theory, EveryDatabase]
    public async Task A_missing_event_is_found(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        for (var i = 0; i < 3; i++) await node.AddAsync("n");
        await node.DrainAsync();
        await using (var session = await node.Database.OpenAsync(readOnly: false, default))
            await session.ExecuteAsync("DELETE FROM events WHERE position = 3");
        Assert.Contains("missing", (await Verification.RunAsync(node.Node)).Checks["lanes"]);
    }

    [Theory, EveryDatabase]
    public async Task An_erased_person_cannot_be_read_and_the_log_still_verifies(string store)
    {
        var (node, _) = await NotesNode.StartAsync(store);
        await using var _n = node;
        var person = Personal.PersonOf("Anna@Example.com ", null, Guid.Empty);
        Assert.Equal(person, Personal.PersonOf("anna@example.com", "+381 11 1", Guid.Empty));
        var secret = await node.RunAsync<byte[]>(Lane.Hub, async tx =>
        {
            var keys = await Personal.KeysAsync(tx, [person]);
            return Personal.Encrypt(keys[person], "Anna, Knez Mihailova 1"u8, Personal.IdsOf(tx));
        });
        Task<byte[]?> ReadAsync() => node.Database.ReadAsync(async s => Personal.Decrypt(await Personal.KeyAsync(s, person), secret.Value));
        Assert.Equal("Anna, Knez Mihailova 1", Encoding.UTF8.GetString((await ReadAsync())!));
        await node.RunAsync<Done>(Lane.HubAll, async tx =>
        {
            Assert.NotNull(await Personal.EraseAsync(tx, person));
            tx.Append(Lane.HubAll, new PersonErased(person), person.ToString());
            return new Done();
        });
        Assert.Null(await ReadAsync());
        // Who comes back is a new person as far as the keys go: what was erased stays so.
        await node.RunAsync<Done>(Lane.Hub, async tx => { await Personal.KeysAsync(tx, [person]); return new Done(); });
        Assert.Null(await ReadAsync());
        await node.VerifyAsync();
    }
}
