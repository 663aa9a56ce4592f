using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Stowline.Kernel;

/// <summary>
/// An amount of one currency. On the wire <c>{"amount":"19.24","currency":"EUR"}</c>, in the store an integer of ten-thousandths
/// (<c>…_e4</c>), because both databases sum integers exactly. Unit prices have up to four decimals; totals are rounded half away
/// from zero to the currency's minor unit (contract, Conventions).
/// </summary>
[JsonConverter(typeof(MoneyConverter))]
public readonly record struct Money(decimal Amount, string Currency)
{
    /// <summary>The largest amount of a single price or total: keeps sums of 2,000 lines of a million units inside 63 bits of ten-thousandths.</summary>
    public const decimal MaxAmount = 999_999_999_999m;

    public static Money FromE4(long e4, string currency) => new(e4 / 10_000m, currency);
    public long ToE4() => decimal.ToInt64(Amount * 10_000m);

    /// <summary>Digits after the point in the currency's minor unit (ISO 4217): 2 unless listed.</summary>
    public static int MinorDigits(string currency) => currency switch
    {
        "BIF" or "CLP" or "DJF" or "GNF" or "ISK" or "JPY" or "KMF" or "KRW" or "PYG" or "RWF" or "UGX" or "UYI" or "VND" or "VUV" or "XAF" or "XOF" or "XPF" => 0,
        "BHD" or "IQD" or "JOD" or "KWD" or "LYD" or "OMR" or "TND" => 3,
        _ => 2,
    };

    /// <summary>What is said of a code that is none.</summary>
    public const string CurrencyRule = "must be a currency's code of ISO 4217: three capital letters, such as EUR";

    /// <summary>
    /// The codes of ISO 4217 in which something can be paid, with those that were replaced since 2020, because old orders have them. Its codes for metals, for funds of banks, for tests and for
    /// "no currency" are none. A new currency needs a line here, which is rare enough; the alternative, the runtime's own list, is empty without its language data.
    /// </summary>
    private static readonly System.Collections.Frozen.FrozenSet<string> Currencies = System.Collections.Frozen.FrozenSet.ToFrozenSet("""
        AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP
        COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK
        JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN
        NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS
        TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG ZWL
        """.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries), StringComparer.Ordinal);

    public static bool IsCurrency(string? text) => text is not null && Currencies.Contains(text);

    /// <summary>A line's total: unit price times quantity, rounded half away from zero to the minor unit.</summary>
    public static Money LineTotal(Money unitPrice, int quantity) =>
        unitPrice with { Amount = Math.Round(unitPrice.Amount * quantity, MinorDigits(unitPrice.Currency), MidpointRounding.AwayFromZero) };

    /// <summary>As <see cref="LineTotal(Money, int)"/>, in ten-thousandths: for what is reckoned very often.</summary>
    public static long LineTotal(long unitPriceE4, int quantity, string currency)
    {
        var unit = MinorDigits(currency) switch { 0 => 10_000, 3 => 10, _ => 100 };
        var exact = (Int128)unitPriceE4 * quantity;
        return checked((long)((exact + (exact < 0 ? -unit : unit) / 2) / unit * unit));
    }

    /// <summary>The amount with at least the currency's minor digits and no further trailing zeros: 2.5 EUR is "2.50", 0.0125 EUR stays "0.0125".</summary>
    public string AmountText()
    {
        var text = Amount.ToString("0.####", CultureInfo.InvariantCulture);
        var digits = MinorDigits(Currency);
        var point = text.IndexOf('.');
        var have = point < 0 ? 0 : text.Length - point - 1;
        if (have >= digits) return text;
        return (point < 0 ? text + "." : text) + new string('0', digits - have);
    }

    /// <summary>Bytes that <see cref="WriteAmount"/> needs at most.</summary>
    public const int LongestAmount = 24;

    /// <summary>Ten-thousandths as <see cref="AmountText"/> has them, without making a text: for what is written very often.</summary>
    /// <returns>How many bytes were written.</returns>
    public static int WriteAmount(long e4, string currency, Span<byte> ascii)
    {
        var (whole, rest) = Math.DivRem(Math.Abs(e4), 10_000);
        var at = 0;
        if (e4 < 0) ascii[at++] = (byte)'-';
        whole.TryFormat(ascii[at..], out var digits, default, CultureInfo.InvariantCulture);
        at += digits;
        var decimals = 4;
        for (var least = MinorDigits(currency); decimals > least && rest % 10 == 0; decimals--) rest /= 10;
        if (decimals == 0) return at;
        ascii[at++] = (byte)'.';
        for (var i = decimals - 1; i >= 0; i--, rest /= 10) ascii[at + i] = (byte)('0' + rest % 10);
        return at + decimals;
    }

    public override string ToString() => $"{AmountText()} {Currency}";

    internal sealed class MoneyConverter : JsonConverter<Money>
    {
        public override Money Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("""must be {"amount":"19.24","currency":"EUR"}""");
            decimal? amount = null;
            string? currency = null;
            while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
            {
                var isAmount = reader.ValueTextEquals("amount"u8);
                var isCurrency = reader.ValueTextEquals("currency"u8);
                reader.Read();
                if (isAmount) amount = ReadAmount(ref reader);
                else if (isCurrency) currency = reader.TokenType == JsonTokenType.String ? reader.GetString() : throw new JsonException("currency must be text");
                else reader.Skip();
            }
            if (amount is null) throw new JsonException("amount is missing");
            if (!IsCurrency(currency)) throw new JsonException("currency " + CurrencyRule);
            return new Money(amount.Value, currency!);
        }

        private static decimal ReadAmount(ref Utf8JsonReader reader)
        {
            decimal amount;
            if (reader.TokenType == JsonTokenType.Number && reader.TryGetDecimal(out amount)) { }
            else if (reader.TokenType == JsonTokenType.String &&
                     decimal.TryParse(reader.GetString(), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out amount)) { }
            else throw new JsonException("amount must be a decimal number as text, such as \"19.24\"");
            if (Math.Abs(amount) > MaxAmount) throw new JsonException("amount is too large");
            if (decimal.Round(amount, 4) != amount) throw new JsonException("amount has more than 4 decimals");
            return amount;
        }

        public override void Write(Utf8JsonWriter writer, Money value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            writer.WriteString("amount"u8, value.AmountText());
            writer.WriteString("currency"u8, value.Currency);
            writer.WriteEndObject();
        }
    }
}
