using System.Globalization;
using System.Text;

namespace Stowline.Tests.Retail;

/// <summary>A file in the form of the real one, some weeks of a small shop with everything that the real one has. The same seed makes the same file.</summary>
internal static class SmallFile
{
    private sealed record Sold(string Customer, string Code, int Quantity, decimal Price);

    public static string Write(string folder, int days, int invoicesPerDay, int seed = 7, int firstDay = 0)
    {
        var random = new Random(seed);
        var text = new StringBuilder("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n");
        var number = 536_365 + firstDay * 1_000;
        var earlier = new List<Sold>();
        void Row(string invoice, string code, int quantity, DateTime at, decimal price, string customer) => text.AppendLine(string.Create(
            CultureInfo.InvariantCulture, $"{invoice},{code},\"THING, NO. {code}\",{quantity},{at:yyyy-MM-dd HH:mm:ss},{price},{customer},United Kingdom"));

        for (var day = firstDay; day < firstDay + days; day++)
        {
            var at = new DateTime(2010, 12, 1, 8, 0, 0, DateTimeKind.Utc).AddDays(day);
            for (var i = 0; i < invoicesPerDay; i++)
            {
                var (invoice, customer) = ($"{number++}", $"{17_850 + random.Next(20)}.0");
                at = at.AddMinutes(5);
                var lines = Enumerable.Range(0, random.Next(1, 9)).Select(_ => new Sold(customer, $"{20_000 + random.Next(40)}", random.Next(1, 30), random.Next(10, 900) / 100m)).ToList();
                foreach (var line in lines) Row(invoice, line.Code, line.Quantity, at, line.Price, customer);
                if (i % 5 == 0) Row(invoice, "POST", 1, at, 18m, customer);
                if (i % 7 == 3)
                    foreach (var line in lines) Row($"C{number}", line.Code, -line.Quantity, at.AddMinutes(1), line.Price, customer);
                else earlier.AddRange(lines);
                if (i % 7 == 3) number++;
            }
            if (earlier.Count > 20)
            {
                var (invoice, back) = ($"C{number++}", earlier[random.Next(earlier.Count)]);
                Row(invoice, back.Code, -1, at, back.Price, back.Customer);
            }
            Row($"{number++}", "20001", 4, at, 0, "");
            Row($"{number++}", "20001", -3, at.AddMinutes(1), 0, "");
        }
        var path = Path.Combine(folder, $"retail-{seed}-{firstDay}-{days}.csv");
        File.WriteAllText(path, text.ToString());
        return path;
    }
}
