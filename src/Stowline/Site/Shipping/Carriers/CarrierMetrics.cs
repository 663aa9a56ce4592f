using System.Diagnostics.Metrics;
using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>Calls to carriers, and who of them is not answering, as far as this process has seen.</summary>
internal sealed class CarrierMetrics : INodeMetrics<CarrierMetrics>
{
    private readonly Counter<long> _calls;
    private readonly Histogram<double> _seconds;
    private readonly Counter<long> _booked;
    private volatile IReadOnlyList<Measurement<int>> _open = [];

    private CarrierMetrics(Meter meter)
    {
        _calls = meter.CreateCounter<long>("stowline_carrier_calls", null, "Calls to carriers, by operation and what came of them");
        _seconds = meter.CreateHistogram("stowline_carrier_call_duration_seconds", "s", "How long carriers take to answer", null, NodeMeter.Buckets<double>(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60));
        _booked = meter.CreateCounter<long>("stowline_carrier_bookings", null, "Parcels bought from carriers, and those that none took, by result");
        meter.CreateObservableGauge("stowline_carrier_open", () => _open, null,
            "1 while a carrier does not answer and is asked only now and then");
    }

    public static CarrierMetrics Create(Meter meter, TimeProvider time) => new(meter);

    public void Called(string site, string carrier, string operation, CallResult result, TimeSpan took)
    {
        KeyValuePair<string, object?> at = new("site", site), who = new("carrier", carrier), what = new("operation", operation);
        _calls.Add(1, at, who, what, new("result", SnakeCaseEnum<CallResult>.Text(result)));
        _seconds.Record(took.TotalSeconds, at, who, what);
    }

    public void Booked(string site, string carrier, string result) => _booked.Add(1, new("site", site), new("carrier", carrier), new("result", result));

    /// <summary>How all carriers stand, as the database says: the same in every process.</summary>
    public void Stand(IEnumerable<(string Site, string Carrier, bool Open)> carriers) => _open = [.. carriers.Select(c => new Measurement<int>(c.Open ? 1 : 0, new("site", c.Site), new("carrier", c.Carrier)))];
}
