using System.Globalization;
using Stowline.Contracts;

namespace Stowline.Server.Demo;

/// <summary>Invented customers: common first and last names thrown together, streets that birds and trees are named for, addresses at example.com.</summary>
internal static class DemoPeople
{
    private sealed record City(string Name, string Country, string PostalCode, double Latitude, double Longitude);

    private static readonly string[] FirstNames =
    [
        "Anna", "Ben", "Carla", "David", "Elif", "Finn", "Giulia", "Henri", "Ines", "Jakob", "Katja", "Luca", "Mira", "Noah", "Olga", "Paul", "Rosa", "Sami", "Tessa", "Viktor",
        "Yasmin", "Zoran", "Lea", "Matteo", "Nora", "Oskar", "Petra", "Quentin", "Sofia", "Theo",
    ];

    private static readonly string[] LastNames =
    [
        "Adler", "Bakker", "Conti", "Dubois", "Ekström", "Fischer", "Garnier", "Hofmann", "Ilić", "Jansen", "Keller", "Lambert", "Moreau", "Novak", "Olsen", "Peeters", "Rossi",
        "Schuster", "Torres", "Vermeer", "Weiss", "Zeman", "Brandt", "Colin", "Dekker", "Ferrari", "Girard", "Horvat", "Marković", "Vogel",
    ];

    private static readonly string[] Streets = ["Kestrel Lane", "Lime Tree Road", "Heron Street", "Oak Alley", "Swallow Court", "Birch Walk", "Robin Square", "Poplar Row", "Finch Way", "Willow Bank"];

    private static readonly City[] Cities =
    [
        new("Berlin", "DE", "10115", 52.532, 13.385), new("Hamburg", "DE", "20095", 53.551, 10.001), new("Munich", "DE", "80331", 48.137, 11.575), new("Leipzig", "DE", "04109", 51.340, 12.375),
        new("Cologne", "DE", "50667", 50.938, 6.957), new("Prague", "CZ", "11000", 50.088, 14.420), new("Warsaw", "PL", "00-001", 52.231, 21.006), new("Copenhagen", "DK", "1050", 55.683, 12.588),
        new("Vienna", "AT", "1010", 48.208, 16.372), new("Belgrade", "RS", "11000", 44.818, 20.457), new("Lyon", "FR", "69001", 45.769, 4.829), new("Paris", "FR", "75002", 48.868, 2.344),
        new("Marseille", "FR", "13001", 43.300, 5.381), new("Geneva", "CH", "1204", 46.201, 6.147), new("Milan", "IT", "20121", 45.471, 9.188), new("Turin", "IT", "10121", 45.069, 7.683),
        new("Barcelona", "ES", "08002", 41.383, 2.177), new("Madrid", "ES", "28013", 40.418, -3.707), new("Amsterdam", "NL", "1011", 52.373, 4.902), new("Rotterdam", "NL", "3011", 51.921, 4.480),
        new("Utrecht", "NL", "3511", 52.091, 5.122), new("Brussels", "BE", "1000", 50.850, 4.352), new("Antwerp", "BE", "2000", 51.219, 4.402), new("Luxembourg", "LU", "1111", 49.612, 6.130),
    ];

    /// <summary>Somebody with an address. There are about 9,000 of them times house numbers, so people come again.</summary>
    public static (CustomerDetails Customer, AddressDetails Address) Pick(Random random)
    {
        var (first, last) = (FirstNames[random.Next(FirstNames.Length)], LastNames[random.Next(LastNames.Length)]);
        var which = random.Next(10);
        var city = Cities[random.Next(Cities.Length)];
        var email = string.Create(CultureInfo.InvariantCulture, $"{Plain(first)}.{Plain(last)}{which}@example.com");
        // Not all in one spot: some kilometers around the center.
        double Near(double degrees) => Math.Round(degrees + (random.NextDouble() - 0.5) * 0.12, 4);
        return (new CustomerDetails($"{first} {last}", email, null),
            new AddressDetails($"{first} {last}", $"{random.Next(1, 180)} {Streets[random.Next(Streets.Length)]}", null, city.Name, null, city.PostalCode, city.Country,
                Near(city.Latitude), Near(city.Longitude)));
    }

    /// <summary>Letters as a mail address takes them.</summary>
    private static string Plain(string name) => string.Concat(name.Normalize(System.Text.NormalizationForm.FormD).Where(char.IsAsciiLetter)).ToLowerInvariant();
}
