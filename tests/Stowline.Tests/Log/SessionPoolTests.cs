using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Site.Topology;
using Stowline.Store;
using Stowline.Tests.Support;

namespace Stowline.Tests.Log;

/// Goal: fewer connections than readers and writers make them wait for each other, and nobody is turned away. Method: PostgreSQL with a handful of connections and many more of both at once.
[Trait("Needs", "server")]
public class SessionPoolTests
{
    [SkippableTheory]
    [InlineData(3, 60)]
    public async Task More_reads_than_connections_take_turns(int connections, int readers)
    {
        await using var own = await OwnPostgres.MakeAsync();
        await using var database = own.Open(connections);
        var together = 0;
        var most = 0;
        var answers = await Task.WhenAll(Enumerable.Range(0, readers).Select(i => database.ReadAsync(async session =>
        {
            var now = Interlocked.Increment(ref together);
            InterlockedMax(ref most, now);
            var answer = await session.FindAsync<int>("SELECT CAST(@i AS integer)", new { i });
            Interlocked.Decrement(ref together);
            return answer;
        })));
        Assert.Equal(Enumerable.Range(0, readers), answers);
        Assert.InRange(most, 1, connections);
    }

    [SkippableTheory]
    [InlineData(4, 12)]
    public async Task More_sites_than_connections_are_all_written(int connections, int sites)
    {
        await using var own = await OwnPostgres.MakeAsync();
        await using var node = await Node.OpenAsync(own.Open(connections));
        node.Start();
        var codes = Enumerable.Range(0, sites).Select(i => $"S{i}").ToArray();
        foreach (var code in codes)
            Assert.True((await node.Lanes.ExecuteAsync<SiteView>(Stowline.Log.Lane.Hub, TestNode.Tester, tx => SaveSite.DecideAsync(code, new SiteBody { Name = code, Type = SiteType.Warehouse }, tx, node))).IsOk);
        for (var round = 0; round < 2; round++)
        {
            var zone = $"Z{round}";
            var saved = await Task.WhenAll(codes.Select(code =>
                node.Lanes.ExecuteAsync(Stowline.Log.Lane.Site(code), TestNode.Tester, tx => SaveZone.DecideAsync(code, zone, new ZoneBody { Type = ZoneType.Storage }, tx))));
            Assert.All(saved, s => Assert.True(s.IsOk, s.Refusal?.Detail));
        }
    }

    private static void InterlockedMax(ref int most, int now)
    {
        for (var seen = Volatile.Read(ref most); now > seen;)
            if (Interlocked.CompareExchange(ref most, now, seen) is var before && before == seen) return;
            else seen = before;
    }
}
