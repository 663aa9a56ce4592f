using System.Diagnostics.Metrics;

namespace Stowline.Log;

/// <summary>The log's own metrics, by the field's names: group size, commit time, queue depth.</summary>
public sealed class LaneMetrics : IDisposable
{
    private readonly Meter _meter = new("Stowline.Log");
    private readonly Histogram<int> _groupSize;
    private readonly Histogram<double> _groupSeconds;
    private readonly Histogram<double> _commitSeconds;
    private readonly Counter<long> _commands;

    public LaneMetrics()
    {
        _groupSize = _meter.CreateHistogram<int>("stowline_group_commands", description: "Commands per committed group");
        _groupSeconds = _meter.CreateHistogram<double>("stowline_group_seconds", "s", "Duration of a group, decisions and commit");
        _commitSeconds = _meter.CreateHistogram<double>("stowline_commit_seconds", "s", "Duration of COMMIT alone");
        _commands = _meter.CreateCounter<long>("stowline_commands", description: "Commands committed");
    }

    public void Group(int commands, TimeSpan whole, TimeSpan commit)
    {
        _groupSize.Record(commands);
        _groupSeconds.Record(whole.TotalSeconds);
        _commitSeconds.Record(commit.TotalSeconds);
        _commands.Add(commands);
    }

    public void Dispose() => _meter.Dispose();
}
