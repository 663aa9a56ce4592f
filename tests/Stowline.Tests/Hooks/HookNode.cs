using Stowline.Contracts;
using Stowline.Hub.Hooks;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hooks;

/// <summary>A node that may call loopback addresses, with its sender run until it rests.</summary>
internal static class HookNode
{
    public static async Task<TestNode> StartAsync(string store)
    {
        var node = await TestNode.StartAsync(store);
        Target(node).AllowPrivate = true;
        return node;
    }

    public static HookTarget Target(TestNode node) => node.Node.Modules.OfType<HooksModule>().Single().Target;

    public static async Task<WebhookSecret> HookAsync(this TestNode node, string url, params string[] types) =>
        await node.HookAsync(new WebhookBody { Url = url, Types = types.Length == 0 ? null : types });

    public static async Task<WebhookSecret> HookAsync(this TestNode node, WebhookBody body) =>
        (await node.RunAsync(Lane.Hub, tx => SaveWebhook.CreateAsync(body, Target(node), tx))).Value;

    /// <summary>Something that happens to an order.</summary>
    public static async Task HappenAsync(this TestNode node, Guid order, string? reason = null) => await node.RunAsync<Done>(Lane.Hub, tx =>
    {
        tx.Append(Lane.Hub, new OrderHeld(order, reason), order.ToString(), order);
        return ValueTask.FromResult<Outcome<Done>>(new Done());
    });

    /// <summary>Runs everything until nothing is due.</summary>
    public static async Task SettleAsync(this TestNode node)
    {
        var sender = node.Node.Pumps.OfType<HookSender>().Single();
        do
        {
            await node.DrainAsync();
            await node.PumpUntilAsync(Ended(sender.WhenIdleAsync()));
        }
        while (await node.StepAsync() || !sender.WhenIdleAsync().IsCompleted); // a round may have begun while another was waited for
    }

    private static async Task<bool> Ended(Task task)
    {
        await task;
        return true;
    }

    public static Task<WebhookView> ShowAsync(this TestNode node, Guid id) => node.Database.ReadAsync(async s => (await Webhooks.FindAsync(s, id))!.View(await Webhooks.CountsAsync(s, id)));

    public static Task<IReadOnlyList<string>> LogAsync(this TestNode node, Guid id) => node.Database.ReadAsync(async s => await s.QueryAsync<string>(
        "SELECT CAST(status AS {0}) || ':' || CAST(attempts AS {0}) || ':' || COALESCE(CAST(last_status AS {0}), '-') FROM webhook_deliveries WHERE webhook_id = @id ORDER BY seq"
            .Replace("{0}", "VARCHAR(20)", StringComparison.Ordinal), new { id }));
}
