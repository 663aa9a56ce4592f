using System.Reflection;
using Xunit.Sdk;

namespace Stowline.Tests.Support;

/// <summary>
/// Runs a theory on every database. Use as <c>[Theory, EveryDatabase]</c> with the store's name (<c>sqlite</c>, <c>postgres</c>) as the first
/// parameter. PostgreSQL runs where STOWLINE_TEST_POSTGRES names a server; in CI its absence is a failure (see <see cref="TestNode"/>).
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class EveryDatabaseAttribute(params object[] more) : DataAttribute
{
    public static string? Postgres => Environment.GetEnvironmentVariable("STOWLINE_TEST_POSTGRES") is { Length: > 0 } text ? text : null;

    public override IEnumerable<object[]> GetData(MethodInfo testMethod)
    {
        yield return ["sqlite", .. more];
        if (Postgres is not null || Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE") == "1") yield return ["postgres", .. more];
    }
}
