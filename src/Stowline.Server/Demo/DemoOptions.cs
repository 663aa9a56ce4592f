using System.Globalization;

namespace Stowline.Server.Demo;

/// <summary>How the sample business is run.</summary>
/// <param name="Seed">Which orders come: the same seed, the same orders.</param>
/// <param name="Rate">Orders per second on the average of a day.</param>
internal sealed record DemoOptions(int Seed = DemoOptions.DefaultSeed, double Rate = DemoOptions.DefaultRate)
{
    public const int DefaultSeed = 7;
    public const double DefaultRate = 2;
    public const double MinRate = 0.01, MaxRate = 50;

    /// <exception cref="CommandRefusedException">Not a number, or out of bounds.</exception>
    public static DemoOptions Parse(string? seed, string? rate)
    {
        var options = new DemoOptions();
        if (seed is not null)
            options = options with
            {
                Seed = int.TryParse(seed, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
                    : throw new CommandRefusedException($"--demo-seed must be a whole number from 0, not '{seed}'"),
            };
        if (rate is not null)
            options = options with
            {
                Rate = double.TryParse(rate, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var perSecond) && perSecond is >= MinRate and <= MaxRate ? perSecond
                    : throw new CommandRefusedException(string.Create(CultureInfo.InvariantCulture, $"--demo-rate must be {MinRate} to {MaxRate} orders per second, not '{rate}'")),
            };
        return options;
    }
}

/// <summary>
/// Repeatable chance without state: the throw depends only on the seed and on what is thrown for. So a business that is started again goes on
/// as it would have, and nothing depends on who asks first.
/// </summary>
internal readonly record struct DemoDice(int Seed)
{
    public enum For { Order, Gap, Cancel, Hold, Return, Pick, Missing, Pack, Dwell, Carrier, Count }

    /// <summary>A number in [0, 1).</summary>
    public double Throw(For what, long n, int of = 0)
    {
        var x = Mix((ulong)(uint)Seed ^ (ulong)what << 56 ^ (ulong)(uint)of << 32);
        return (Mix(x ^ (ulong)n) >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>A generator of its own for one thing that needs many throws.</summary>
    public Random Random(For what, long n) => new((int)(Throw(what, n) * int.MaxValue));

    /// <summary>SplitMix64's finalizer.</summary>
    private static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
        x = (x ^ x >> 27) * 0x94D049BB133111EB;
        return x ^ x >> 31;
    }
}
