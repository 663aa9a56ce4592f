namespace Stowline.Simulation;

/// <summary>
/// What somebody does, and how often. Each seed changes the habits: some things are not done at all, others again and again, so that they meet with themselves.
/// </summary>
internal sealed class Habits
{
    private readonly List<(int Weight, Action Act)> _acts = [];
    private readonly Random _random;
    private readonly int _sum;

    /// <param name="acts">The usual weight of each; the first is never left out.</param>
    public Habits(Random random, params (int Weight, Action Act)[] acts)
    {
        _random = random;
        foreach (var (weight, act) in acts)
        {
            var mood = random.Next(100);
            var times = mood < 15 && _acts.Count > 0 ? 0 : mood < 80 ? 1 : 5;
            _acts.Add((weight * times, act));
        }
        _sum = _acts.Sum(a => a.Weight);
    }

    public void Act()
    {
        var roll = _random.Next(_sum);
        foreach (var (weight, act) in _acts)
        {
            if ((roll -= weight) >= 0) continue;
            act();
            return;
        }
    }
}
