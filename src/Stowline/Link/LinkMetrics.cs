using System.Diagnostics.Metrics;
using Stowline.Log;

namespace Stowline.Link;

/// <summary>Links in numbers, as far as this process holds them.</summary>
public sealed class LinkMetrics(Meter meter) : INodeMetrics<LinkMetrics>
{
    private LinkModule? _links;

    public static LinkMetrics Create(Meter meter, TimeProvider time) => new(meter);

    internal void Watch(LinkModule links)
    {
        if (_links is not null) return;
        _links = links;
        meter.CreateObservableGauge("stowline_link_connected", () => links.States.Select(s => Of(s.IsConnected ? 1 : 0, s.Site)), null, "1 while the other end of a site's link is heard");
        meter.CreateObservableGauge("stowline_link_lag_events", () => links.States.SelectMany(s => s.Lanes.Select(l => Of(l.Head - l.Position, s.Site, l.Lane))), null,
            "Events of a lane that its copy does not have yet, as far as is known");
        meter.CreateObservableGauge("stowline_link_diverged", () => links.States.SelectMany(s => s.Lanes.Select(l => Of(l.Diverged is null ? 0 : 1, s.Site, l.Lane))), null,
            "1 while a lane stands still because its copy has another history");
    }

    private static Measurement<double> Of(double value, string site, string? lane = null)
    {
        var label = new KeyValuePair<string, object?>("site", site);
        return lane is null ? new Measurement<double>(value, label) : new Measurement<double>(value, label, new("lane", lane));
    }
}
