using System.Diagnostics.Metrics;

namespace Stowline.Log;

/// <summary>The log's own metrics, by the field's names: group size, commit time.</summary>
public sealed class LaneMetrics(Meter meter) : INodeMetrics<LaneMetrics>
{
    private readonly Histogram<int> _groupSize = meter.CreateHistogram("stowline_group_commands", null, "Commands per committed group", null,
        NodeMeter.Buckets(1, 2, 4, 8, 16, 32, 64, 128, 256));
    private readonly Histogram<double> _groupSeconds = meter.CreateHistogram("stowline_group_seconds", "s", "Duration of a group, decisions and commit", null,
        NodeMeter.Buckets(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5));
    private readonly Histogram<double> _commitSeconds = meter.CreateHistogram("stowline_commit_seconds", "s", "Duration of COMMIT alone", null,
        NodeMeter.Buckets(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5));
    private readonly Counter<long> _ahead = meter.CreateCounter<long>("stowline_groups_ahead", null, "Groups decided before the end of the one before was known, by whether that held");
    private readonly Counter<long> _commands = meter.CreateCounter<long>("stowline_commands", null, "Commands committed");

    public static LaneMetrics Create(Meter meter, TimeProvider time) => new(meter);

    /// <param name="held">False: somebody else had written the scope in between, and the group was decided again.</param>
    public void Ahead(bool held) => _ahead.Add(1, new KeyValuePair<string, object?>("held", held));

    public void Group(int commands, TimeSpan whole, TimeSpan commit)
    {
        _groupSize.Record(commands);
        _groupSeconds.Record(whole.TotalSeconds);
        _commitSeconds.Record(commit.TotalSeconds);
        _commands.Add(commands);
    }
}
