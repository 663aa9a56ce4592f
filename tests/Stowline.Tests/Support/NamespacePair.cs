using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Stowline.Tests.Support;

/// <summary>A fact that needs network namespaces of its own.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactWithNamespacesAttribute : FactAttribute
{
    public FactWithNamespacesAttribute()
    {
        if (!NamespacePair.MayBeMade) Skip = "network namespaces need root, ip and tc with netem";
    }
}

/// <summary>
/// Two machines as far as the network is concerned: namespaces of the kernel, with one cable between them that is slow and loses packets, and that can be pulled. Whoever tests them gets sockets
/// that live inside. Gone afterwards; what a test that died has left is cleared away by the next.
/// </summary>
internal sealed class NamespacePair : IDisposable
{
    private const string Cable = "line0";
    private const string Usual = "delay 80ms loss 5%";
    private static readonly Lazy<bool> Allowed = new(() => OperatingSystem.IsLinux() && Environment.UserName == "root"
        && Machine.Run("unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms") && Machine.Run("ip", "netns"));
    private static int s_made;

    private NamespacePair(string name) => (One, Other) = (name + "-a", name + "-b");

    public static bool MayBeMade => Allowed.Value;

    /// <summary>The names of the namespaces, as <c>ip netns exec</c> takes them.</summary>
    public string One { get; }
    public string Other { get; }

    /// <summary>Where <see cref="One"/> is reached from <see cref="Other"/>.</summary>
    public const string AddressOfOne = "10.231.7.1";

    public static NamespacePair Make()
    {
        ClearLeftOver();
        var pair = new NamespacePair($"stowline-{Environment.ProcessId}-{Interlocked.Increment(ref s_made)}");
        Ip("netns", "add", pair.One);
        Ip("netns", "add", pair.Other);
        Ip("link", "add", Cable, "netns", pair.One, "type", "veth", "peer", "name", Cable, "netns", pair.Other);
        foreach (var (name, address) in new[] { (pair.One, AddressOfOne), (pair.Other, "10.231.7.2") })
        {
            Ip("-n", name, "address", "add", address + "/30", "dev", Cable);
            Ip("-n", name, "link", "set", "lo", "up");
            Ip("-n", name, "link", "set", Cable, "up");
            Assert.True(Machine.Run("tc", ["-n", name, "qdisc", "add", "dev", Cable, "root", "netem", .. Usual.Split(' ')]));
        }
        return pair;
    }

    /// <summary>Every packet is lost, and neither side is told.</summary>
    public void LoseAll() => Lose("loss 100%");

    public void LoseAFew() => Lose(Usual);

    private void Lose(string how)
    {
        foreach (var name in new[] { One, Other }) Assert.True(Machine.Run("tc", ["-n", name, "qdisc", "change", "dev", Cable, "root", "netem", .. how.Split(' ')]));
    }

    public void Pull() => Ip("-n", Other, "link", "set", Cable, "down");

    public void PlugIn() => Ip("-n", Other, "link", "set", Cable, "up");

    /// <summary>A client's connections to loopback ports inside a namespace: a socket stays in the one in which its thread was when it was made.</summary>
    public static SocketsHttpHandler HandlerTo(string name) => new()
    {
        ConnectCallback = async (context, ct) =>
        {
            var socket = SocketIn(name);
            await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, ct);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };

    private static Socket SocketIn(string name)
    {
        Socket? made = null;
        var thread = new Thread(() =>
        {
            using var file = File.OpenHandle("/var/run/netns/" + name);
            if (SetNamespace((int)file.DangerousGetHandle(), NetworkNamespace) == 0) made = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        });
        thread.Start();
        thread.Join(); // it ends in there: no other work is ever done on it
        return made ?? throw new InvalidOperationException($"{name} cannot be entered");
    }

    private const int NetworkNamespace = 0x40000000; // CLONE_NEWNET

    [DllImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static extern int SetNamespace(int file, int kind);

    private static void Ip(params string[] arguments) => Assert.True(Machine.Run("ip", arguments), "ip " + string.Join(' ', arguments));

    private static void ClearLeftOver()
    {
        if (!Directory.Exists("/var/run/netns")) return;
        foreach (var name in Directory.EnumerateFiles("/var/run/netns", "stowline-*").Select(Path.GetFileName))
            if (!Directory.Exists("/proc/" + name!.Split('-')[1])) Machine.Run("ip", "netns", "delete", name);
    }

    public void Dispose()
    {
        foreach (var name in new[] { One, Other }) Machine.Run("ip", "netns", "delete", name);
    }
}
