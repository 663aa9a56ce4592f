using System.Diagnostics.Metrics;
using Stowline.Log;

namespace Stowline.Hub.Channels;

/// <summary>How the calls to marketplaces go, and what became of operations and orders: what this process has done itself.</summary>
internal sealed class ChannelMetrics : INodeMetrics<ChannelMetrics>
{
    private readonly Counter<long> _operations;
    private readonly Counter<long> _orders;
    private readonly Counter<long> _reports;
    private readonly Histogram<double> _calls;

    private ChannelMetrics(Meter meter)
    {
        _operations = meter.CreateCounter<long>("stowline_stock_sync_operations", null, "Stock operations towards marketplaces by what became of them");
        _orders = meter.CreateCounter<long>("stowline_channel_orders", null, "Orders of marketplaces by what became of them");
        _reports = meter.CreateCounter<long>("stowline_channel_reports", null, "Reports on orders to marketplaces by what became of them");
        _calls = meter.CreateHistogram("stowline_channel_call_duration_seconds", "s", "Calls to marketplaces by what came of them", null, NodeMeter.Buckets<double>(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30));
    }

    public static ChannelMetrics Create(Meter meter, TimeProvider time) => new(meter);

    public void Operation(string account, string outcome, long count = 1) => _operations.Add(count, new("channel", account), new KeyValuePair<string, object?>("outcome", outcome));
    public void Order(string account, string outcome) => _orders.Add(1, new("channel", account), new KeyValuePair<string, object?>("outcome", outcome));

    public void Report(string account, string outcome) => _reports.Add(1, new("channel", account), new KeyValuePair<string, object?>("outcome", outcome));

    public void Called(string account, CallResult result, TimeSpan took) =>
        _calls.Record(took.TotalSeconds, new("channel", account), new KeyValuePair<string, object?>("result", Word(result)));

    private static string Word(CallResult result) => result switch
    {
        CallResult.Done => "done",
        CallResult.Lost => "lost",
        CallResult.Busy => "busy",
        CallResult.Denied => "denied",
        CallResult.Missing => "missing",
        CallResult.Rejected => "rejected",
    };
}
