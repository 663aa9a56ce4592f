using System.Net;
using System.Text;
using System.Text.Json;
using Stowline.Http;
using Stowline.Hub.Hooks;
using Stowline.Log;
using Stowline.Tests.Retail;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hooks;

/// Goal: a webhook cannot be made to reach into the node's own network, and signatures are those of Standard Webhooks. Method: the published vectors; addresses by rule and by connecting.
public class HookSafetyTests
{
    private static readonly string Vectors = Path.Combine(
        Environment.GetEnvironmentVariable("STOWLINE_SHARED") is { Length: > 0 } named ? named : Path.Combine(DevelopmentFile.Repository, "..", "shared"), "data", "webhooks", "standard_webhooks_vectors.json");

    private sealed class VectorsFactAttribute : FactAttribute
    {
        public VectorsFactAttribute()
        {
            if (!File.Exists(Vectors) && Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE") != "1") Skip = "the vectors of Standard Webhooks are not here";
        }
    }

    [VectorsFact]
    public void The_published_vectors_hold()
    {
        var cases = JsonDocument.Parse(File.ReadAllBytes(Vectors)).RootElement.GetProperty("cases").EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        foreach (var one in cases)
        {
            string? Header(string name) => one.GetProperty("headers").TryGetProperty(name, out var value) ? value.GetString() : null;
            var ok = HookSignature.Verify(one.GetProperty("secret").GetString()!, Header("webhook-id"), Header("webhook-timestamp"), Header("webhook-signature"),
                Encoding.UTF8.GetBytes(one.GetProperty("payload").GetString()!), DateTimeOffset.FromUnixTimeSeconds(one.GetProperty("clock").GetInt64()));
            Assert.True(ok == one.GetProperty("ok").GetBoolean(), one.GetProperty("name").GetString());
        }
    }

    [Fact]
    public void What_is_signed_is_what_the_specification_shows()
    {
        const string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        Assert.Equal("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", HookSignature.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}"u8, secret));
    }

    [Theory]
    [InlineData("8.8.8.8", true, true)]
    [InlineData("2606:4700::1111", true, true)]
    [InlineData("127.0.0.1", false, true)]
    [InlineData("10.1.2.3", false, true)]
    [InlineData("172.31.0.1", false, true)]
    [InlineData("192.168.1.1", false, true)]
    [InlineData("100.64.0.1", false, true)]
    [InlineData("::1", false, true)]
    [InlineData("fd00::1", false, true)]
    [InlineData("::ffff:127.0.0.1", false, true)]
    [InlineData("64:ff9b::7f00:1", false, true)]
    [InlineData("2002:7f00:1::", false, true)]
    [InlineData("169.254.169.254", false, false)]
    [InlineData("::ffff:169.254.169.254", false, false)]
    [InlineData("fe80::1", false, false)]
    [InlineData("0.0.0.0", false, false)]
    [InlineData("224.0.0.1", false, false)]
    [InlineData("255.255.255.255", false, false)]
    public void Only_public_addresses_may_be_called_and_link_local_ones_never(string address, bool outside, bool inIntranet)
    {
        Assert.Equal(outside, new HookTarget().Allows(IPAddress.Parse(address)));
        Assert.Equal(inIntranet, new HookTarget { AllowPrivate = true }.Allows(IPAddress.Parse(address)));
    }

    [Theory]
    [InlineData("https://example.org/in", true)]
    [InlineData("http://example.org/in", false)]
    [InlineData("https://user:secret@example.org/", false)]
    [InlineData("https://127.0.0.1/", false)]
    [InlineData("https://2130706433/", false)]
    [InlineData("https://0x7f.1/", false)]
    [InlineData("https://[::1]/", false)]
    [InlineData("https://[::ffff:10.0.0.1]/", false)]
    [InlineData("https://localhost/", false)]
    [InlineData("ftp://example.org/", false)]
    [InlineData("/in", false)]
    public void A_url_is_checked_before_it_is_kept(string url, bool good) => Assert.Equal(good, new HookTarget().Problem(url) is null);

    [Fact]
    public async Task A_name_that_resolves_inward_is_not_connected_to()
    {
        await using var receiver = await HookReceiver.StartAsync();
        var target = new HookTarget { Resolve = (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse("93.184.216.34"), IPAddress.Loopback]) };
        using var client = target.Client();
        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(new Uri($"http://rebinding.example:{new Uri(receiver.Url).Port}/")));
        Assert.IsType<ForbiddenTargetException>(failure.InnerException);
        Assert.Empty(receiver.Received);
        // The same way is open where it is allowed: what was refused above was the address.
        using var allowed = new HookTarget { AllowPrivate = true, Resolve = (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback]) }.Client();
        Assert.Equal(HttpStatusCode.NoContent, (await allowed.GetAsync(new Uri($"http://rebinding.example:{new Uri(receiver.Url).Port}/"))).StatusCode);
    }

    [Theory, EveryDatabase]
    public async Task A_redirect_is_a_failure_and_is_not_followed(string store)
    {
        await using var elsewhere = await HookReceiver.StartAsync();
        await using var receiver = await HookReceiver.StartAsync();
        receiver.Answer = (_, response) =>
        {
            response.StatusCode = 307;
            response.Headers.Location = elsewhere.Url;
            return Task.CompletedTask;
        };
        await using var node = await HookNode.StartAsync(store);
        var hook = await node.HookAsync(receiver.Url);
        await node.RunAsync(Lane.Hub, tx => Deliveries.TestAsync(hook.Id.ToString(), tx));
        await node.SettleAsync();
        Assert.Empty(elsewhere.Received);
        Assert.Equal(["1:1:307"], await node.LogAsync(hook.Id));
    }

    [Fact]
    public void Waits_grow_to_a_day_and_last_for_days()
    {
        Assert.Equal(TimeSpan.FromSeconds(4), HookRetry.After(1, 0));
        Assert.Equal(TimeSpan.FromSeconds(80), HookRetry.After(3, 0.5));
        Assert.Equal(TimeSpan.FromHours(24), HookRetry.After(11, 0.5));
        Assert.Equal(TimeSpan.FromHours(1), HookRetry.After(1, 0, TimeSpan.FromHours(1)));
        Assert.Equal(TimeSpan.FromHours(24), HookRetry.After(1, 0, TimeSpan.FromDays(365)));
        var all = Enumerable.Range(1, HookRetry.MostAttempts - 1).Sum(n => HookRetry.After(n, 0.5).TotalDays);
        Assert.InRange(all, 4, 5);
    }
}
