using System.Text.Json;
using System.Xml.Linq;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Shipping;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// Goal: a parcel's labels carry its address and an SSCC that no other package ever has, on paper as on the screen. Method: packed parcels; barcodes are decoded again.
public class LabelTests
{
    private const string Code = FulfillmentSite.Code;

    private static Package Package(int sequence, string? sscc = null, params SkuUnits[] lines) =>
        new(sequence, PackagingType.Box, 500, 300, 200, 100, 1200, 1200, $"PK00000000007-{sequence:D3}", lines.Length == 0 ? null : lines, DateTimeOffset.UnixEpoch) { Sscc = sscc };

    [Theory]
    [InlineData("37612345000001723", "1")]
    [InlineData("34012345123456789", "5")]
    [InlineData("00614141123456789", "0")]
    [InlineData("629104150021", "3")] // GS1's own example, a GTIN-13: the same rule
    public void The_check_digit_is_that_of_gs1(string digits, string check)
    {
        var sum = digits.Reverse().Select((c, i) => (c - '0') * (i % 2 == 0 ? 3 : 1)).Sum() + SsccNumbers.WithCheckDigit(digits)[^1] - '0';
        Assert.Equal(0, sum % 10);
        if (digits.Length == 12) Assert.Equal(digits + check, SsccNumbers.WithCheckDigit(digits));
    }

    [Fact]
    public void Bars_read_back_as_what_was_written()
    {
        Assert.Equal([105, 102, 0, 34, 1, 23, 45, 12, 34, 56, 78, 95], Code128.Symbols("00340123451234567895"[..20], gs1: true));
        // The worked example of the symbology: Wikipedia in subset B has the check symbol 88.
        foreach (var text in new[] { "Wikipedia", "RS123", "PK00000000007-001", "ABC123456", "1234", "12345", "00340123451234567895" })
            Assert.Equal(text, Decode(Code128.Encode(text)!).Text);
        Assert.Equal(88, Decode(Code128.Encode("Wikipedia")!).Check);
        var (sscc, _, gs1) = Decode(Code128.Encode("00340123451234567895", gs1: true)!);
        Assert.Equal(("00340123451234567895", true), (sscc, gs1));
        Assert.Null(Code128.Encode("Žana"));
        Assert.Null(Code128.Encode(""));
    }

    /// <summary>Reads bars as a scanner does: symbols of eleven modules, a check symbol that must be right, and a stop.</summary>
    private static (string Text, int Check, bool Gs1) Decode(IReadOnlyList<int> widths)
    {
        Assert.Equal("2331112", string.Concat(widths.TakeLast(7)));
        var patterns = Enumerable.Range(0, 95).ToDictionary(i => string.Concat(Code128.Encode(((char)(i + 32)).ToString())!.Skip(6).Take(6)), i => i);
        foreach (var (i, two) in Enumerable.Range(0, 100).Select(i => (i, Code128.Encode($"{i:D2}{i:D2}")!))) // in subset C the same patterns stand for 00–99
            patterns.TryAdd(string.Concat(two.Skip(6).Take(6)), i);
        string[] symbols = [.. widths.SkipLast(7).Chunk(6).Select(c => string.Concat(c))];
        Assert.All(symbols, s => Assert.Equal(11, s.Sum(c => c - '0')));
        var inC = symbols[0] == "211232";
        var sum = inC ? 105 : 104;
        var (text, gs1) = ("", false);
        for (var i = 1; i < symbols.Length - 1; i++)
        {
            var value = symbols[i] switch { "411131" => 102, "114131" => 100, "113141" => 99, var p => patterns[p] };
            sum += i * value;
            if (value == 102) gs1 = true;
            else if (value == 100 && inC) inC = false;
            else if (value == 99 && !inC) inC = true;
            else text += inC ? $"{value:D2}" : ((char)(value + 32)).ToString();
        }
        return (text, sum % 103, gs1);
    }

    [Theory, EveryDatabase]
    public async Task Each_package_gets_the_next_sscc_of_its_site_and_a_stem_belongs_to_one_site_for_ever(string store)
    {
        await using var site = await FulfillmentSite.StartAsync(store);
        await site.StockAsync("S", 10);
        var settings = await site.InSiteAsync(tx => LabelSettings.DecideAsync(Code, new LabelSettingsBody { Gs1Prefix = "4012345", Extension = 3, Block = "01", Sender = ["Shop Ltd", "Main 1"] }, tx));
        Assert.Equal("3401234501", settings.SsccStem);
        var packing = await site.PickAllAsync(await site.OrderAsync("S", 2));
        await site.InSiteAsync(tx => StartPacking.DecideAsync(Code, packing, "ben", tx));
        var first = await site.InSiteAsync(tx => AddPackage.DecideAsync(Code, packing, FulfillmentSite.Box(), tx));
        var second = await site.InSiteAsync(tx => AddPackage.DecideAsync(Code, packing, FulfillmentSite.Box(), tx));
        Assert.Equal(SsccNumbers.WithCheckDigit("34012345010000000"), first.Sscc);
        Assert.Equal(SsccNumbers.WithCheckDigit("34012345010000001"), second.Sscc);

        // Another block and back: the count goes on.
        await site.InSiteAsync(tx => LabelSettings.DecideAsync(Code, new LabelSettingsBody { Gs1Prefix = "4012345", Extension = 3, Block = "02" }, tx));
        await site.InSiteAsync(tx => LabelSettings.DecideAsync(Code, new LabelSettingsBody { Gs1Prefix = "4012345", Extension = 3, Block = "01", Sender = ["Shop Ltd", "Main 1"] }, tx));
        Assert.Equal("34012345010000002", (await site.InSiteAsync(tx => AddPackage.DecideAsync(Code, packing, FulfillmentSite.Box(), tx))).Sscc![..17]);
        var whole = await site.TryAsync(tx => LabelSettings.DecideAsync(Code, new LabelSettingsBody { Gs1Prefix = "4012345", Extension = 3 }, tx));
        Assert.Equal("sscc_stem_taken", whole.Refusal!.Code);
        var taken = await site.TryAsync(tx => LabelSettings.DecideAsync("WH2", new LabelSettingsBody { Gs1Prefix = "4012345", Extension = 3, Block = "021" }, tx));
        Assert.Equal("sscc_stem_taken", taken.Refusal!.Code);
        await site.InSiteAsync(tx => CompletePacking.DecideAsync(Code, packing, tx));
        await site.ShipAsync(packing, "RS1");
        var zpl = (await site.Node.Database.ReadAsync(s => Labels.RenderAsync(s, Code, packing))).Value;
        Assert.Equal(3, zpl.Split("^XA").Length - 1);
        Assert.Contains($"^BCN,256,N,N,N^FD>;>800{first.Sscc}^FS", zpl);
        Assert.Contains("^FDShop Ltd^FS", zpl);
        Assert.Equal([first.Sscc, second.Sscc], (await site.EventsAsync<PartShipped>()).Single().Packages!.Take(2).Select(p => p.Sscc));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Without_a_prefix_there_is_no_sscc_and_after_the_last_number_neither(string store)
    {
        await using var site = await FulfillmentSite.StartAsync(store);
        await site.StockAsync("S", 10);
        var packing = await site.PickAllAsync(await site.OrderAsync("S", 2));
        await site.InSiteAsync(tx => StartPacking.DecideAsync(Code, packing, "ben", tx));
        Assert.Null((await site.InSiteAsync(tx => AddPackage.DecideAsync(Code, packing, FulfillmentSite.Box(), tx))).Sscc);
        var stem = await site.InSiteAsync(tx => LabelSettings.DecideAsync(Code, new LabelSettingsBody { Gs1Prefix = "4012345678", Block = "1234" }, tx));
        await site.InSiteAsync<Done>(async tx =>
        {
            await tx.NextNumbersAsync("sscc/" + stem.SsccStem, FulfillmentSite.Up, 99);
            tx.Append(FulfillmentSite.Up, new BinUnlocked("A-1"), "A-1");
            return new Done();
        });
        Assert.Equal("99", (await site.InSiteAsync(tx => AddPackage.DecideAsync(Code, packing, FulfillmentSite.Box(), tx))).Sscc![15..17]);
        Assert.Null((await site.InSiteAsync(tx => AddPackage.DecideAsync(Code, packing, FulfillmentSite.Box(), tx))).Sscc);
        foreach (var wrong in new[] { new LabelSettingsBody { Gs1Prefix = "12" }, new LabelSettingsBody { Block = "1" }, new LabelSettingsBody { Extension = 10 }, new LabelSettingsBody { Font = "^XA" } })
            Assert.Equal(RefusalKind.Invalid, (await site.TryAsync(tx => LabelSettings.DecideAsync(Code, wrong, tx))).Refusal!.Kind);
    }

    [Fact]
    public void The_picture_shows_what_is_printed_in_any_script_and_no_text_becomes_markup()
    {
        var parcel = new Parcel(["WH1"], ["Žana <b>&\u0001", "山田太郎", "محمد"], 42, "post", "RS123", [Package(1, "340123450100000017"), Package(2)]);
        var svg = XDocument.Parse(SvgLabels.Render(parcel));
        XNamespace ns = "http://www.w3.org/2000/svg";
        string[] texts = [.. svg.Descendants(ns + "text").Select(t => t.Value)];
        Assert.Contains("Žana <b>& ", texts);
        Assert.Contains("山田太郎", texts);
        Assert.Contains("محمد", texts);
        Assert.Contains("(00) 340123450100000017", texts);
        Assert.Equal(2, svg.Root!.Elements(ns + "g").Count());
        Assert.Equal(3, svg.Descendants(ns + "path").Count()); // tracking and SSCC on the first, tracking on the second
    }

    /// A printer sets what is too long for its line over itself, and a browser over the edge of the label.
    [Fact]
    public void Long_lines_become_smaller_then_two_and_none_runs_over_the_edge()
    {
        const string street = "Bundesgartenschaustrasse 1234, Hinterhaus, Aufgang C, 4. Obergeschoss links, bei Familie Wagenknecht-Mayerhofer";
        var parcel = new Parcel(["WAREHOUSE WITH A VERY LONG NAME INDEED, NORTH WING", "Main street 1"], ["Ana", "Apartment building no. 17, second staircase", street, new string('界', 40)], 42, "post", "RS123", [Package(1)]);
        var texts = LabelLayout.Of(parcel, parcel.Packages[0]).OfType<LabelText>().ToList();
        Assert.Equal(44, texts.Single(t => t.Text == "Ana").Height);
        Assert.InRange(texts.Single(t => t.Text.StartsWith("Apartment", StringComparison.Ordinal)).Height, 24, 43);
        var broken = texts.SkipWhile(t => !t.Text.StartsWith("Bundes", StringComparison.Ordinal)).TakeWhile(t => t.Text[0] != '界').Select(t => t.Text).ToList();
        Assert.InRange(broken.Count, 2, 3);
        Assert.Equal(street, string.Join(' ', broken));
        Assert.All(texts.Where(t => t.Text[0] == '界'), t => Assert.True(t.Text.Length * t.Height <= LabelLayout.Width - 2 * LabelLayout.Margin, t.ToString()));
        Assert.All(texts, t => Assert.InRange(t.Height, 24, 44));
        Assert.True(texts.Where(t => t.Y is > 200 and < 660).Max(t => t.Y + t.Height) < 660);
        Assert.Contains(broken[0], ZplLabels.Render(parcel), StringComparison.Ordinal);
    }

    [Fact]
    public void The_packing_list_names_every_package_and_what_is_in_it()
    {
        var parcel = new Parcel(["WH1"], ["<Ana>"], 42, null, null, [Package(1, null, new SkuUnits("A&B", 2)), Package(2, "340123450100000017")]);
        var html = PackingLists.Html(parcel, [new PackingLine("A&B", "L1", 3, 3, PackingLineStatus.FullyPacked)]);
        Assert.Contains("&lt;Ana&gt;", html);
        Assert.Contains("<td>A&amp;B</td><td></td><td class=\"n\">2</td>", html);
        Assert.Contains("<td>A&amp;B</td><td>L1</td><td class=\"n\">3</td>", html);
        Assert.Contains("SSCC 340123450100000017", html);
    }
}
