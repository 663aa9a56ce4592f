using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Server.Operations;

/// <summary>
/// Erases a person (GDPR, article 17): the key of their data goes, here at once and on every site as soon as it reads the event. The log
/// stays whole.
/// </summary>
internal static class ErasureEndpoint
{
    internal sealed record Erase(string? Email, string? Phone, string? OrderId);
    internal sealed record Erased(Guid PersonId, [property: System.Text.Json.Serialization.JsonPropertyName("erased")] bool Done);

    public static void Map(IEndpointRouteBuilder api, Node node) => api.Post("/system/erasures", http => EraseAsync(http, node))
        .WithTags("System").WithSummary("Erase a person by e-mail, phone or order").Takes<Erase>().Produces<Erased>();

    private static async Task EraseAsync(HttpContext http, Node node)
    {
        var body = await Requests.ReadAsync<Erase>(http);
        if (body.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var person = await PersonAsync(body.Value, node, http.RequestAborted);
        if (person.Refusal is { } none) { await Answers.WriteAsync(http, none); return; }
        await Http.Commands.RunAsync(http, node.Lanes, Lane.HubAll, tx => DecideAsync(person.Value, tx));
    }

    private static async Task<Outcome<Guid>> PersonAsync(Erase wanted, Node node, CancellationToken ct)
    {
        string?[] given = [wanted.Email, wanted.Phone, wanted.OrderId];
        if (given.Count(g => !string.IsNullOrWhiteSpace(g)) != 1) return Refusal.Invalid("body", "must name exactly one of email, phone and order_id");
        if (!string.IsNullOrWhiteSpace(wanted.OrderId))
            return await node.FindPersonOfOrderAsync(wanted.OrderId.Trim(), ct) is { } known ? known : Refusal.NotFound("order_not_found", $"there is no order {wanted.OrderId}");
        var person = Personal.PersonOf(wanted.Email, wanted.Phone, Guid.Empty);
        return person == Guid.Empty ? Refusal.Invalid("phone", "must contain digits") : person;
    }

    /// <summary>The event is written even where no key was here: a site may hold one.</summary>
    private static async ValueTask<Outcome<Erased>> DecideAsync(Guid person, LaneTransaction tx)
    {
        var erased = await Personal.EraseAsync(tx, person);
        tx.Append(Lane.HubAll, new PersonErased(person, erased), person.ToString());
        return new Erased(person, erased is not null);
    }
}
