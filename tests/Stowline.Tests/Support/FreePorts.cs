using System.Net;
using System.Net.Sockets;

namespace Stowline.Tests.Support;

/// <summary>
/// Ports for servers that are started later, and again after they were killed. They lie below the range from which the kernel gives ports to whoever asks for any, so nobody gets one of
/// them meanwhile by chance.
/// </summary>
internal static class FreePorts
{
    private const int First = 20_000, End = 32_000;

    public static int[] Take(int count)
    {
        var found = new HashSet<int>();
        while (found.Count < count)
            if (Random.Shared.Next(First, End) is var port && IsFree(port)) found.Add(port);
        return [.. found];
    }

    private static bool IsFree(int port)
    {
        using var probe = new TcpListener(IPAddress.Loopback, port);
        try
        {
            probe.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
