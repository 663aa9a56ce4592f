using System.Data.Common;

namespace Stowline.Store;

/// <summary>A query that is asked together with others: on PostgreSQL all of them in one round trip. See <see cref="SqlSession.AskAsync"/>.</summary>
public abstract class Question(string sql, object? args)
{
    internal string Sql => sql;
    internal object? Args => args;

    /// <summary>Reads the answer off a reader that stands on it.</summary>
    internal abstract ValueTask TakeAsync(SqlSession session, DbDataReader reader);
}

/// <inheritdoc cref="Question"/>
public sealed class Question<T>(string sql, object? args = null) : Question(sql, args)
{
    private readonly List<T> _rows = [];

    /// <summary>The rows found; empty before it was asked.</summary>
    public IReadOnlyList<T> Rows => _rows;

    internal override async ValueTask TakeAsync(SqlSession session, DbDataReader reader)
    {
        if (!await reader.ReadAsync()) return;
        var parse = session.Parser<T>(Sql, reader);
        do _rows.Add(parse(reader)); while (await reader.ReadAsync());
    }
}
