using System.Text;
using Stowline.Adapters;

namespace Stowline.Tests.Brokers;

/// Goal: what is personal never leaves in a message, and the rest leaves as it is. Method: pure.
public class OrderEventsTests
{
    [Theory]
    [InlineData("""{"a":1,"personal":{"k":"x","d":[1,{"personal":2}]},"b":2}""", """{"a":1,"b":2}""")]
    [InlineData("""{"personal":"x","b":2}""", """{"b":2}""")]
    [InlineData("""{"personal" : "x" , "b":2}""", """{ "b":2}""")]
    [InlineData("""{"a":{"personal":1},"personal":null}""", """{"a":{"personal":1}}""")]
    [InlineData("""{"personal":{}}""", "{}")]
    [InlineData("""{"a":"\"personal\":1","n":"žš"}""", """{"a":"\"personal\":1","n":"žš"}""")]
    [InlineData("{}", "{}")]
    public void The_person_is_cut_out_and_nothing_else(string payload, string expected) => Assert.Equal(expected, OrderEvents.WithoutPerson(Encoding.UTF8.GetBytes(payload)));
}
