using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Topology;

/// <summary>How many bins a site has, for reads outside a command.</summary>
internal static class BinCounts
{
    /// <summary>Those from which goods may go to customers, without the one that every site receives into.</summary>
    public static async Task<long> PickableAsync(SqlSession session, string site) =>
        await session.FindAsync<long>("SELECT COUNT(*) FROM bins WHERE site = @site AND pickable = @yes AND code <> @receiving", new { site, yes = true, receiving = StockBook.Receiving });
}
