using Microsoft.Data.Sqlite;
using Npgsql;

namespace Stowline.Server;

/// <summary>What a database that cannot be used says, in the words of whoever has to do something about it. For commands; a running node answers 503 and tries again.</summary>
internal static class DatabaseTrouble
{
    /// <summary>One line: where, what, and what to do. Null for what is no trouble of the database's surroundings, and so a bug of ours.</summary>
    /// <param name="where">The file or the server, without passwords.</param>
    public static string? Tell(Exception exception, string where) => exception switch
    {
        SqliteException e => OfSqlite(e.SqliteErrorCode) is { } advice ? $"{where} cannot be used: {Plain(e)}; {advice}" : null,
        PostgresException e => OfPostgres(e.SqlState) is { } advice ? $"{where} cannot be used: {e.MessageText}; {advice}" : null,
        NpgsqlException e => $"{where} cannot be reached: {e.Message}; see whether it runs and takes connections",
        _ => null,
    };

    /// <summary>By SQLite's result codes.</summary>
    private static string? OfSqlite(int code) => code switch
    {
        13 => "make room on its disk", // FULL
        8 => "see whether its disk is mounted for writing, and whose the file is", // READONLY
        14 => "see whether it is there, whose it is, and whether its disk is mounted for writing", // CANTOPEN
        10 => "look after its disk, and whether there is room on it", // IOERR
        5 or 6 => "another program holds it: end that first", // BUSY, LOCKED
        11 or 26 => "it is damaged, or no database: restore a backup into a new folder", // CORRUPT, NOTADB
        _ => null,
    };

    private static string? OfPostgres(string state) => state switch
    {
        "25006" => "it takes no writes now: name the primary, or end its read-only mode",
        "53100" => "make room on its disk",
        "53300" => "it has no connection left: raise max_connections, or run fewer processes",
        "42501" => "give its user the right to make tables there",
        "57P01" or "57P02" or "57P03" => "it is starting or stopping: try again",
        _ => null,
    };

    /// <summary>The driver wraps the engine's words into "SQLite Error 13: '…'.".</summary>
    private static string Plain(SqliteException e) => e.Message.Split('\'') is [_, var text, _] ? text : e.Message;
}
