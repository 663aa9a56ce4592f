using Stowline.Store;

namespace Stowline.Adapters;

/// <summary>
/// The texts of set-based statements, each made once per connection: a group of orders sends a dozen, and putting them together anew took as long as
/// sending them.
/// </summary>
internal sealed class StatementTexts
{
    private const int Most = 500; // a bound, should some caller build SQL text by hand
    private readonly Dictionary<(string Table, string Part), List<(Column[] Columns, string Text)>> _known = [];

    /// <param name="part">With the table and the columns it decides what the text is.</param>
    public string Of(string table, string part, Column[] columns, Func<string, string, Column[], string> make)
    {
        if (!_known.TryGetValue((table, part), out var texts))
        {
            if (_known.Count >= Most) _known.Clear();
            _known[(table, part)] = texts = [];
        }
        foreach (var (known, text) in texts)
            if (AreSame(known, columns)) return text;
        var made = make(table, part, columns);
        texts.Add(([.. columns.Select(c => c.WithoutValues())], made));
        return made;
    }

    private static bool AreSame(Column[] known, Column[] columns)
    {
        if (known.Length != columns.Length) return false;
        for (var i = 0; i < known.Length; i++)
            if (known[i].Name != columns[i].Name || known[i].ValueType != columns[i].ValueType) return false;
        return true;
    }
}
