using System.CommandLine;
using Stowline.Contracts;
using Stowline.Hub.Access;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Server.Commands;

/// <summary>
/// <c>keys create|list|tier|revoke</c>, directly on the database: how the first key comes to be. On SQLite the node must be stopped, since it
/// alone may write; a running one takes the same over HTTP. On PostgreSQL a running node notices within seconds.
/// </summary>
internal static class KeysCommands
{
    private static readonly Caller CommandLineCaller = new("command line");

    public static Command Define() => new("keys", "API keys, for a node with auth=keys") { Create(), List(), Tier(), Revoke() };

    private static Argument<string> NameArgument() => new("NAME") { Description = "the key's name: it stands in every event as who did it" };

    private static Command Create()
    {
        var name = NameArgument();
        var scope = new Option<string[]>("--scope") { Description = "read, orders, stock, tasks or admin; may be repeated", HelpName = "SCOPE", Required = true, AllowMultipleArgumentsPerToken = true };
        var site = new Option<string[]>("--site") { Description = "limit the key to this site; may be repeated", HelpName = "CODE", AllowMultipleArgumentsPerToken = true };
        var seller = new Option<string[]>("--seller") { Description = "limit the key to this seller's products and orders; may be repeated", HelpName = "NAME", AllowMultipleArgumentsPerToken = true };
        var tier = new Option<string?>("--tier") { Description = "how much it may call: a tier of the setting rate_limits", HelpName = "TIER" };
        return new Command("create", "Make a key and show it, this once") { name, scope, site, seller, tier }.Does(async (context, ct) =>
        {
            KeyScope[] scopes = [.. (context.Parsed.GetValue(scope) ?? []).SelectMany(s => s.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Select(Scope)];
            var draft = Value(KeyCommands.Prepare(new KeyBody(context.Parsed.GetRequiredValue(name), scopes, context.Parsed.GetValue(site),
                context.Parsed.GetValue(seller), context.Parsed.GetValue(tier)), Tiers(context)));
            var made = await ExecuteAsync(context, (ring, tx) => KeyCommands.CreateAsync(draft, ring, tx), ct);
            if (!context.Report.IsJson) context.Report.Line(made.Key); // with --json this line would go to standard error, and so into logs
            context.Report.Progress($"This is the key {made.Name}. It is shown only now; send it as 'Authorization: Bearer KEY'.");
            return context.Report.End(true, new Dictionary<string, object?>
            {
                ["ok"] = true, ["key"] = made.Key, ["id"] = made.Id, ["name"] = made.Name, ["scopes"] = made.Scopes, ["sites"] = made.Sites,
                ["sellers"] = made.Sellers, ["tier"] = made.Tier, ["created_at"] = made.CreatedAt,
            });
        });
    }

    private static Command List() => new Command("list", "Show the keys, without their secrets; also beside a running node").Does(async (context, ct) =>
    {
        await using var database = await NodeOpener.OpenToReadAsync(context.Configuration, ct: ct);
        var keys = await database.ReadAsync(s => KeyCommands.ListAsync(s, null, int.MaxValue), ct);
        foreach (var key in keys)
        {
            var scopes = string.Join(',', key.Scopes.Select(SnakeCaseEnum<KeyScope>.Text));
            var sites = key.Sites.Count == 0 ? "all sites" : string.Join(',', key.Sites);
            if (key.Sellers.Count > 0) sites += ", sellers " + string.Join(", ", key.Sellers);
            if (key.Tier != RateTiers.Default) sites += ", tier " + key.Tier;
            context.Report.Line($"{key.Name,-24} {key.Id}  {scopes}  {sites}  {(key.RevokedAt is { } at ? $"revoked {at:yyyy-MM-dd HH:mm}" : $"since {key.CreatedAt:yyyy-MM-dd HH:mm}")}");
        }
        return context.Report.End(true, new Dictionary<string, object?> { ["ok"] = true, ["keys"] = keys });
    });

    private static Command Tier()
    {
        var name = NameArgument();
        var tier = new Argument<string>("TIER") { Description = "a tier of the setting rate_limits" };
        return new Command("tier", "Give a key another tier: how much it may call") { name, tier }.Does(async (context, ct) =>
        {
            var wanted = Value(KeyCommands.PrepareTier(new KeyTierBody(context.Parsed.GetRequiredValue(tier)), Tiers(context)));
            var code = Code(context.Parsed.GetRequiredValue(name));
            var key = await ExecuteAsync(context, (ring, tx) => KeyCommands.ChangeTierAsync(code, wanted, ring, tx), ct);
            context.Report.Line($"{key.Name} has the tier {key.Tier}");
            return context.Report.End(true, new Dictionary<string, object?> { ["ok"] = true, ["id"] = key.Id, ["name"] = key.Name, ["tier"] = key.Tier });
        });
    }

    private static RateTiers Tiers(CommandContext context) => context.Configuration.RateLimits ?? RateTiers.Standard;

    private static string Code(string name) => CodeRule.TryNormalize(name, out var code) ? code : throw new CommandRefusedException("NAME " + CodeRule.Description);

    private static Command Revoke()
    {
        var name = NameArgument();
        return new Command("revoke", "Make a key good for nothing") { name }.Does(async (context, ct) =>
        {
            var code = Code(context.Parsed.GetRequiredValue(name));
            var revoked = await ExecuteAsync(context, (ring, tx) => KeyCommands.RevokeAsync(code, ring, tx), ct);
            context.Report.Line($"{revoked.Name} is revoked");
            return context.Report.End(true, new Dictionary<string, object?> { ["ok"] = true, ["id"] = revoked.Id, ["name"] = revoked.Name, ["revoked_at"] = revoked.RevokedAt });
        });
    }

    private static KeyScope Scope(string text) =>
        SnakeCaseEnum<KeyScope>.TryParse(text, out var scope) ? scope : throw new CommandRefusedException($"--scope {SnakeCaseEnum<KeyScope>.Choices}, not '{text}'");

    private static async Task<T> ExecuteAsync<T>(CommandContext context, Func<KeyRing, LaneTransaction, ValueTask<Outcome<T>>> decide, CancellationToken ct)
    {
        OpenedNode opened;
        try
        {
            opened = await NodeOpener.OpenAsync(context.Configuration, ct: ct);
        }
        catch (CommandRefusedException e) when (e.InnerException is Store.FolderInUseException)
        {
            throw new CommandRefusedException($"{e.Message}. While the node runs, ask it: POST /api/v1/keys, PUT /api/v1/keys/NAME/tier or DELETE /api/v1/keys/NAME, with a key that has the scope admin");
        }
        await using var _ = opened;
        opened.Node.Start((pump, e) => context.Report.Progress($"{pump.Name}: {e.Message}"));
        var ring = opened.Node.Modules.OfType<AccessModule>().Single().Ring;
        return Value(await opened.Node.Lanes.ExecuteInRepairAsync(opened.Node.Role.Home, CommandLineCaller, tx => decide(ring, tx), ct));
    }

    private static T Value<T>(Outcome<T> outcome) => outcome.IsOk ? outcome.Value : throw new CommandRefusedException(outcome.Refusal!.Detail);
}
