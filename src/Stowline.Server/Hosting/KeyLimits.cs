using Stowline.Http;
using Stowline.Hub.Access;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Kernel;

namespace Stowline.Server.Hosting;

/// <summary>
/// What a key that is limited to sites or sellers may not have. For sites the few ways out of them are shut; for sellers only the few ways in are
/// open, because nearly everything in a warehouse tells of all sellers at once. Lists and bodies are limited by their endpoints, by <see cref="CallLimits"/>.
/// </summary>
internal sealed class KeyLimits(Node node)
{
    /// <summary>How a call is held to a key's sellers.</summary>
    private enum Way
    {
        /// <summary>The endpoint does it.</summary>
        Itself,
        /// <summary>By the SKU of the path.</summary>
        Product,
        /// <summary>By one SKU of the query, which must be there.</summary>
        Sku,
        /// <summary>By the SKUs of the query; without any, the endpoint does it.</summary>
        Skus,
        /// <summary>By the lines of the order.</summary>
        Order,
    }

    private static readonly Dictionary<string, Way> OfSellers = new(StringComparer.Ordinal)
    {
        ["GET products"] = Way.Itself, ["GET products/{sku}"] = Way.Product, ["GET availability"] = Way.Skus,
        ["GET sites/{code}/stock"] = Way.Sku, ["GET sites/{code}/movements"] = Way.Sku,
        ["GET orders"] = Way.Itself, ["POST orders"] = Way.Itself, ["GET orders/{id}"] = Way.Order, ["GET orders/{id}/timeline"] = Way.Order,
        ["GET orders/{id}/decision"] = Way.Order, ["POST orders/{id}/cancel"] = Way.Order, ["POST orders/{id}/hold"] = Way.Order,
        ["POST orders/{id}/release"] = Way.Order, ["POST orders/{id}/priority"] = Way.Order, ["POST orders/{id}/reroute"] = Way.Order,
    };

    /// <summary>Null when the call may go on.</summary>
    public async ValueTask<Refusal?> CheckAsync(HttpContext http, RouteEndpoint? endpoint, KeyHolder holder)
    {
        if (endpoint is null) return null; // there is nothing at the address, and the answer will say so
        if (KeyRules.IsLive(endpoint) || KeyRules.PathOf(endpoint) == "/stowline.v1.OrderService/WatchOrders") return Limited(holder, "the live feed tells of all of them");
        return (holder.Sites.Count == 0 ? null : await OutsideSitesAsync(http, endpoint, holder))
               ?? (holder.Sellers.Count == 0 ? null : await OutsideSellersAsync(http, endpoint, holder));
    }

    /// <summary>Other sites, their tasks and lanes, changes that reach every site, and what tells of all sites at once.</summary>
    private async ValueTask<Refusal?> OutsideSitesAsync(HttpContext http, RouteEndpoint endpoint, KeyHolder holder)
    {
        var resource = KeyRules.ResourceOf(endpoint);
        if (resource == "sites") return (http.Request.RouteValues["code"] as string ?? Requests.Query(http, "site")) is { } code ? Other(holder, code) : null;
        if (resource == "events") return OfLane(holder, Requests.Query(http, "lane") ?? "");
        if (KeyRules.PathOf(endpoint) == "system/parked") return Limited(holder, "parked events are of every site");
        if (KeyRules.PathOf(endpoint) == "system/overview") return Limited(holder, "the overview tells of every site");
        if (resource == "transfers") return Limited(holder, "a transfer is of two sites");
        if (resource == "alerts") return Limited(holder, "alerts are of every site");
        if (resource == "stock-sync" || resource == "channels" && KeyRules.PathOf(endpoint) != "channels/{account}/orders") return Limited(holder, "channels offer the stock of every site");
        if (resource == "routing") return Limited(holder, "routing chooses among all sites");
        if (resource == "pools") return Limited(holder, "pools divide the stock of every site");
        // The catalogue is one for all.
        if (resource is "products" or "menu" && !HttpMethods.IsGet(http.Request.Method)) return Limited(holder, "products are the same for every site");
        if (resource == "erp") return Limited(holder, "use /tickets, which say where they are");
        if (!KeyRules.IsOfOneSite(resource)) return null;
        // A worker may be of several sites: the endpoint looks.
        if (resource == "workers" && http.Request.RouteValues.ContainsKey("code")) return null;
        if (http.Request.RouteValues["key"] is not string key)
            return Requests.Query(http, "site") is { } site ? Other(holder, site) : Limited(holder, "ask for one of them with ?site=");
        return await node.FindSiteOfAsync(resource, key, http.RequestAborted) is { } owner ? Other(holder, owner) : null;
    }

    /// <summary>The lane of all sites tells what each of them must know; the lane <c>hub</c> tells of every order.</summary>
    private static Refusal? OfLane(KeyHolder holder, string lane)
    {
        if (lane == Log.Lane.HubAll.Name) return null;
        return lane.StartsWith("site/", StringComparison.Ordinal) || lane.StartsWith("hub/", StringComparison.Ordinal) ? Other(holder, lane[(lane.IndexOf('/') + 1)..])
            : Limited(holder, $"the lane {lane} tells of all sites");
    }

    /// <summary>Codes are compared as the modules read them: trimmed.</summary>
    private static Refusal? Other(KeyHolder holder, string site) => Code(site) is { } code && holder.Covers(code) ? null
        : Limited(holder, $"not to {site}") with { Extra = new Dictionary<string, object?> { ["site"] = site } };

    private async ValueTask<Refusal?> OutsideSellersAsync(HttpContext http, RouteEndpoint endpoint, KeyHolder holder)
    {
        if (!OfSellers.TryGetValue($"{http.Request.Method.ToUpperInvariant()} {KeyRules.PathOf(endpoint)}", out var way))
            return Limited(holder, "this call tells of all sellers, or is for all of them");
        if (Requests.Query(http, "seller") is { } seller && !holder.Sellers.Contains(seller, StringComparer.Ordinal)) return Limited(holder, $"not to {seller}");
        switch (way)
        {
            case Way.Itself:
                return null;
            case Way.Product:
                return await ForeignAsync(http, holder, [http.Request.RouteValues["sku"] as string ?? ""]);
            case Way.Sku:
                return Requests.Query(http, "sku") is { } sku ? await ForeignAsync(http, holder, [Code(sku) ?? sku]) : Limited(holder, "ask for one product of theirs with ?sku=");
            case Way.Skus:
                return await ForeignAsync(http, holder, [.. http.Request.Query["sku"].Select(s => s ?? "")]);
            case Way.Order:
                var order = http.Request.RouteValues["id"] as string ?? "";
                return await node.Database.ReadAsync(s => SellerOrders.CoversAsync(s, order, holder.Sellers), http.RequestAborted) == false
                    ? Limited(holder, $"not all lines of order {order} are theirs") : null;
            default:
                throw new InvalidOperationException(way.ToString());
        }
    }

    private async ValueTask<Refusal?> ForeignAsync(HttpContext http, KeyHolder holder, string[] skus)
    {
        if (skus.Length == 0) return null;
        if (skus.Length > Limits.MaxListLimit) return Refusal.Invalid("sku", $"at most {Limits.MaxListLimit} at a time");
        var own = await node.Database.ReadAsync(s => ReadProducts.OfSellersAsync(s, [.. skus.Distinct(StringComparer.Ordinal)], holder.Sellers), http.RequestAborted);
        return Array.Find(skus, s => !own.Contains(s)) is { } foreign
            ? Limited(holder, $"{foreign} is not a product of theirs") with { Extra = new Dictionary<string, object?> { ["sku"] = foreign } } : null;
    }

    private static string? Code(string text) => CodeRule.TryNormalize(text, out var code) ? code : null;

    private static Refusal Limited(KeyHolder holder, string detail)
    {
        var limits = string.Join(" and ", new[] { ("sites", holder.Sites), ("sellers", holder.Sellers) }.Where(l => l.Item2.Count > 0).Select(l => $"the {l.Item1} {string.Join(", ", l.Item2)}"));
        return new Refusal(RefusalKind.Forbidden, "forbidden", $"the key {holder.Name} is limited to {limits}: {detail}");
    }
}
