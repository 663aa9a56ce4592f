using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>The ledger of a site: stock, movements, and the allotments that it grants to the hub (W3–W5).</summary>
internal sealed class StockModule : Module
{
    public StockModule() => HttpJson.Add(StockJson.Default);

    public override string Name => "stock";

    /// <summary>Which SKUs the catalogue has; null accepts all. Asked for goods that come in by hand.</summary>
    public ProductLookup? KnowsProduct { get; set; }

    /// <summary>What open tasks hold of the stock that is only copied here; null where there are no tasks.</summary>
    public ReservedLookup? ReservedAt { get; set; }

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        ReceiveStock.Map(api, node, this);
        MoveStock.Map(api, node);
        AdjustStock.Map(api, node, this);
        DamageStock.Map(api, node);
        SellStock.Map(api, node);
        OpenEpoch.Map(api, node);
        ReadStock.Map(api, node, this);
    }

    public override IEnumerable<(Consumer Consumer, Lane Source)> ConsumersFor(string site, Node node) =>
        node.IsRemote(site) ? [(new StockCopy(site), Lane.Site(site))] : [(new StockPolicy(), Lane.HubTo(site)), (new ClockConsumer(site), Lane.HubAll)];

    public override IEnumerable<Pump> Pumps(Node node) => [new ExpiryWatch(node)];

    public override async Task<string?> FindHeldAsync(SqlSession session, string site) =>
        await session.FindAsync<string>("SELECT sku FROM site_skus WHERE site = @site LIMIT 1", new { site }) is null ? null : "stock";

    public override IReadOnlyList<SiteTable> SiteTables =>
    [
        new("stock"), new("site_skus"), new("stock_policies"), new("movements") { Delete = MovementsGuard.LetGoAsync }, new("receipts"), new("serials"), new("site_clocks"),
        new("stock_copies") { Moves = false, Stays = true },
    ];

    public override ValueTask MoveOutAsync(string site, LaneTransaction tx) => StockCopy.BeginAsync(site, tx);

    public override bool Recovers(string type) => StockRecovery.Recovers(type);
    public override ValueTask RecoverAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx) => StockRecovery.RunAsync(site, events, tx);
    public override ValueTask GoOnAsync(string site, LaneTransaction tx) => StockRecovery.GoOnAsync(site, tx);

    public override Task StartAsync(Node node, CancellationToken ct) => MovementsGuard.InstallAsync(node.Database, ct);

    public override IEnumerable<(string Check, Func<SqlSession, Task<string?>> Run)> Checks(Node node) =>
    [
        ("stock_movements", StockChecks.MovementsAsync),
        ("stock_totals", StockChecks.TotalsAsync),
        ("stock_layers", StockChecks.LayersAsync),
        ("stock_grants", StockChecks.GrantsAsync),
    ];
}

/// <summary>
/// Triggers that refuse to change or delete a movement, whoever asks. The two databases spell triggers so differently that no migration with
/// type tokens can say both, so they are put up when the node starts.
/// </summary>
internal static class MovementsGuard
{
    private const string Sqlite = """
        CREATE TRIGGER IF NOT EXISTS movements_keep_update BEFORE UPDATE ON movements BEGIN SELECT RAISE(ABORT, 'movements are never changed'); END;
        CREATE TRIGGER IF NOT EXISTS movements_keep_delete BEFORE DELETE ON movements BEGIN SELECT RAISE(ABORT, 'movements are never deleted'); END;
        """;

    private const string Postgres = """
        DO $do$ BEGIN
            PERFORM pg_advisory_xact_lock(7250092);
            IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'movements_keep' AND tgrelid = 'movements'::regclass) THEN
                CREATE OR REPLACE FUNCTION movements_keep() RETURNS trigger LANGUAGE plpgsql AS
                    $fn$ BEGIN RAISE EXCEPTION 'movements are never changed or deleted'; END $fn$;
                CREATE TRIGGER movements_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON movements FOR EACH STATEMENT EXECUTE FUNCTION movements_keep();
            END IF;
        END $do$;
        """;

    /// <summary>Deletes the ledger of a site whose own node has all of it and was heard: the only movements that ever go.</summary>
    public static async ValueTask LetGoAsync(LaneTransaction tx, string site)
    {
        var session = tx.Group.Session;
        await session.ScriptAsync(session.Dialect.IsPostgres ? "ALTER TABLE movements DISABLE TRIGGER movements_keep" : "DROP TRIGGER IF EXISTS movements_keep_delete");
        await tx.ExecuteAsync("DELETE FROM movements WHERE site = @site", new { site });
        await session.ScriptAsync(session.Dialect.IsPostgres ? "ALTER TABLE movements ENABLE TRIGGER movements_keep" : Sqlite);
    }

    public static async Task InstallAsync(Database database, CancellationToken ct)
    {
        await using var session = await database.OpenAsync(readOnly: false, ct);
        await session.ScriptAsync(database.Dialect.IsPostgres ? Postgres : Sqlite);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ReceiptBody))]
[JsonSerializable(typeof(Receipt))]
[JsonSerializable(typeof(MoveBody))]
[JsonSerializable(typeof(AdjustmentBody))]
[JsonSerializable(typeof(DamageBody))]
[JsonSerializable(typeof(SaleBody))]
[JsonSerializable(typeof(SaleView))]
[JsonSerializable(typeof(EpochBody))]
[JsonSerializable(typeof(EpochView))]
[JsonSerializable(typeof(Page<DisputeView>))]
[JsonSerializable(typeof(MovementView))]
[JsonSerializable(typeof(Page<StockView>))]
[JsonSerializable(typeof(Page<MovementView>))]
internal sealed partial class StockJson : JsonSerializerContext;
