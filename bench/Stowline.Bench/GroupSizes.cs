using System.Diagnostics.Metrics;

namespace Stowline.Bench;

/// <summary>Listens to the writers: how many commands a group had on average. The floor is run with groups of the same size.</summary>
internal sealed class GroupSizes : IDisposable
{
    private readonly MeterListener _listener = new();
    private long _groups;
    private long _commands;

    public GroupSizes()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == "stowline_group_commands") listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((_, commands, _, _) =>
        {
            Interlocked.Increment(ref _groups);
            Interlocked.Add(ref _commands, commands);
        });
        _listener.Start();
    }

    public double Average => _groups == 0 ? 0 : (double)_commands / _groups;

    public void Dispose() => _listener.Dispose();
}
