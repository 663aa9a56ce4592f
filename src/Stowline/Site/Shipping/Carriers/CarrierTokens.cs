using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>Tokens that carriers gave, as long as they are good; in memory only: after a restart they are asked for again. Safe for use by many at once.</summary>
internal sealed class CarrierTokens(TimeProvider time)
{
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Usual = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, (string Token, DateTimeOffset Until)> _kept = new(StringComparer.Ordinal);

    public bool TryGet(CarrierAccount account, [NotNullWhen(true)] out string? token)
    {
        token = _kept.TryGetValue(KeyOf(account), out var known) && known.Until > time.GetUtcNow() ? known.Token : null;
        return token is not null;
    }

    /// <param name="seconds">How long it is good, as the carrier says; ten minutes where it does not.</param>
    public void Keep(CarrierAccount account, string token, string seconds)
    {
        var good = int.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var told) ? TimeSpan.FromSeconds(told) : Usual;
        // At least long enough for the call that it was asked for.
        _kept[KeyOf(account)] = (token, time.GetUtcNow() + (good > 2 * Margin ? good - Margin : Margin));
    }

    public void Forget(CarrierAccount account) => _kept.TryRemove(KeyOf(account), out _);

    /// <summary>Another address or other credentials are another account.</summary>
    private static string KeyOf(CarrierAccount account) => $"{account.Site}/{account.Carrier}/" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        account.Url + string.Concat(account.Secrets.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => $"\n{s.Key}={s.Value}")))));
}
