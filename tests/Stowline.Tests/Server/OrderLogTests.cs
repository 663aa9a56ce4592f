using Microsoft.Extensions.Logging;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Server.Telemetry;
using Stowline.Tests.Hub;
using Stowline.Tests.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

public class OrderLogTests
{
    private const string TraceId = "4af7651916cd43dd8448eb211c80319c";

    private sealed class Lines : ILogger
    {
        private readonly Stack<Dictionary<string, object?>> _scopes = new();
        public readonly List<(LogLevel Level, string Text, Dictionary<string, object?> Scope)> Written = [];

        public IDisposable BeginScope<TState>(TState state) where TState : notnull
        {
            _scopes.Push(((IEnumerable<KeyValuePair<string, object?>>)state).ToDictionary());
            return new Ending(_scopes);
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel level, EventId id, TState state, Exception? e, Func<TState, Exception?, string> format) =>
            Written.Add((level, format(state, e), _scopes.TryPeek(out var scope) ? scope : []));

        private sealed class Ending(Stack<Dictionary<string, object?>> scopes) : IDisposable
        {
            public void Dispose() => scopes.Pop();
        }
    }

    [Fact]
    public async Task Lines_about_an_order_carry_its_id_and_trace_and_nothing_personal()
    {
        await using var hub = await HubNode.StartAsync("sqlite");
        var lines = new Lines();
        using var log = new OrderLog(hub.Node.Lanes, lines);
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("S");
        await hub.GrantAsync("WH1", "S", 5);
        var order = hub.Order("1", [("S", 1)], b => b with { Customer = new CustomerDetails("Ann Secret", "ann@secret.example", null) }).Value;
        var placed = await hub.Test.PumpUntilAsync(hub.Intake.AcceptAsync(order, new Caller("web", $"00-{TraceId}-b7ad6b7169203331-01")));
        Assert.True(placed.Outcome.IsOk);
        hub.Test.Time.Advance(TimeSpan.FromHours(1));
        await hub.Test.DrainAsync();

        var about = lines.Written.Where(l => (string?)l.Scope.GetValueOrDefault("order_id") == placed.Outcome.Value.Id).ToList();
        Assert.Contains(about, l => l is { Level: LogLevel.Debug } && l.Text.Contains("order.placed") && (string?)l.Scope["trace_id"] == TraceId);
        Assert.Contains(about, l => l is { Level: LogLevel.Warning } && l.Text.Contains("not_picked"));
        Assert.DoesNotContain("secret", string.Concat(lines.Written.Select(l => l.Text)), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_parked_event_is_an_error_in_the_log_that_names_its_order()
    {
        var (node, notes) = await NotesNode.StartAsync("sqlite");
        await using var _ = node;
        var lines = new Lines();
        using var log = new OrderLog(node.Lanes, lines);
        notes.Poison.Add("bad");
        var order = node.Node.Ids.Next();
        await node.RunAsync<Done>(Lane.Hub, tx =>
        {
            tx.Append(Lane.Hub, new OrderHeld(order, null), "bad", order, new Caller("web", $"00-{TraceId}-b7ad6b7169203331-01"));
            return ValueTask.FromResult<Outcome<Done>>(new Done());
        });
        await node.DrainAsync();
        var error = Assert.Single(lines.Written, l => l.Level == LogLevel.Error);
        Assert.Equal((order.ToString(), TraceId), (error.Scope["order_id"], error.Scope["trace_id"]));
        Assert.Contains("listener could not handle order.held at hub:1", error.Text);
    }
}
