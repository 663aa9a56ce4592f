using System.IO.Compression;
using System.Text;
using Stowline.Server.Retail;

namespace Stowline.Tests.Retail;

/// Goal: whatever state the file is in, each of its rows arrives as a row. Method: small files on disk, one oddity each.
public sealed class RetailFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("stowline-retail-").FullName;

    private string Write(string text, bool gzip = false, Encoding? encoding = null)
    {
        var path = Path.Combine(_folder, "file.csv");
        var bytes = (encoding ?? new UTF8Encoding(false)).GetBytes(text);
        using var file = File.Create(path);
        using Stream target = gzip ? new GZipStream(file, CompressionLevel.Fastest) : file;
        target.Write(bytes);
        return path;
    }

    private static List<RetailRow> Read(string path)
    {
        using var file = RetailFile.Open(path);
        return [.. file.Rows()];
    }

    private const string Header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
    private const string Line = "536365,85123A,WHITE HANGING HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n";

    private static readonly RetailRow Expected = new(2, "536365", "85123A", "WHITE HANGING HEART", 6,
        new DateTime(2010, 12, 1, 8, 26, 0, DateTimeKind.Utc), 25_500, "17850", "United Kingdom");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_plain_and_a_gzipped_file_read_the_same(bool gzip) => Assert.Equal([Expected], Read(Write(Header + Line, gzip)));

    [Theory]
    [InlineData("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n536365,85123A,WHITE HANGING HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom")]
    [InlineData("\uFEFFInvoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\r\n536365,85123A,WHITE HANGING HEART,6.0,2010-12-01 08:26,2.550,17850.0,United Kingdom\r\n")]
    [InlineData("Country;CustomerID;UnitPrice;InvoiceDate;Quantity;Description;StockCode;InvoiceNo\nUnited Kingdom;17850;2,55;2010-12-01T08:26:00;6;\"WHITE HANGING HEART\";85123A;536365\n")]
    public void Every_edition_of_the_file_reads_the_same(string text) => Assert.Equal([Expected], Read(Write(text)));

    [Fact]
    public void A_date_with_slashes_has_the_day_first_only_where_the_file_proves_it()
    {
        static string Dated(string date) => $"1,2,X,1,{date},1,,UK\n";
        Assert.Equal(2, Read(Write(Header + Dated("1/2/2010 8:00") + Dated("13/2/2010 8:00")))[0].At!.Value.Month);
        Assert.Equal(1, Read(Write(Header + Dated("1/2/2010 8:00") + Dated("2/13/2010 8:00")))[0].At!.Value.Month);
        Assert.Equal(1, Read(Write(Header + Dated("1/2/2010 8:00")))[0].At!.Value.Month);
    }

    [Fact]
    public void What_cannot_be_read_is_null_and_the_row_is_still_there()
    {
        var rows = Read(Write(Header + "536365,85123A,X,six,yesterday,cheap,,\n536366\n" + "536367,1,X,1.5,,,,\n536368,1,X,99999999999,,1e99,,\n"));
        Assert.Equal(4, rows.Count);
        Assert.Equal(new RetailRow(2, "536365", "85123A", "X", null, null, null, "", ""), rows[0]);
        Assert.Equal(new RetailRow(3, "536366", "", "", null, null, 0, "", ""), rows[1]);
        Assert.Equal((null, 0L), (rows[2].Quantity, rows[2].PriceE4));
        Assert.Equal((null, null), (rows[3].Quantity, rows[3].PriceE4));
    }

    [Fact]
    public void A_quote_that_is_never_closed_costs_no_other_row()
    {
        var rows = Read(Write(Header + "1,2,\"RETRO \"\"TEA\"\", FOR ONE\",3,2010-12-01,1,,UK\n1,2,\"SET OF 3,4,2010-12-01,1,,UK\n\n1,2,5\" PLATE,6,2010-12-01,1,,UK\n"));
        Assert.Equal(["RETRO \"TEA\", FOR ONE", "5\" PLATE"], [rows[0].Description, rows[2].Description]);
        Assert.Equal([3, null, 6], rows.Select(r => r.Quantity));
        Assert.Equal([2, 3, 5], rows.Select(r => r.Line));
    }

    [Fact]
    public void Pound_signs_are_read_from_utf8_and_from_latin1()
    {
        const string Text = Header + "1,2,£ 5 NOTE £,3,2010-12-01,1,,UK\n";
        Assert.Equal("£ 5 NOTE £", Read(Write(Text))[0].Description);
        Assert.Equal("£ 5 NOTE £", Read(Write(Text, encoding: Encoding.Latin1))[0].Description);
    }

    [Fact]
    public void Another_file_is_refused_with_the_column_that_it_lacks()
    {
        Assert.Contains("invoiceno", Assert.Throws<InvalidDataException>(() => Read(Write("order_id,date,time\n1,2015-01-01,11:38:36\n"))).Message);
        Assert.Throws<InvalidDataException>(() => Read(Write("")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
