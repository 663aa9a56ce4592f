using Stowline.Kernel;

namespace Stowline.Log;

/// <summary>Forgets idempotency keys after 30 days: looks once an hour, deletes in bounded steps.</summary>
internal sealed class IdempotencyCleanup(Lanes lanes, Lane home) : Pump
{
    private const int Step = 1_000;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);
    private static readonly TimeSpan Between = TimeSpan.FromHours(1);
    private readonly Rest _rest = new(lanes.Time);

    public override string Name => "idempotency clean-up";
    public override TimeSpan Idle => TimeSpan.FromMinutes(10);

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (!_rest.IsOver) return false;
        var before = lanes.Time.GetUtcNow() - Kept;
        // Looking costs the writer nothing; it is asked only when there is something to delete.
        var old = await lanes.Database.ReadAsync(async session =>
            await session.FindAsync<DateTimeOffset?>("SELECT created_at FROM idempotency_keys WHERE created_at < @before LIMIT 1", new { before }), ct);
        if (old is null)
        {
            _rest.For(Between);
            return false;
        }
        await lanes.ExecuteAsync<Done>(home, Caller.System, async tx =>
        {
            await tx.ExecuteAsync($"""
                DELETE FROM idempotency_keys WHERE key_hash IN (SELECT key_hash FROM idempotency_keys WHERE created_at < @before LIMIT {Step})
                """, new { before });
            return new Done();
        }, ct);
        return true;
    }
}
