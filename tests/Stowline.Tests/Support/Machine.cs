using System.Diagnostics;

namespace Stowline.Tests.Support;

/// <summary>What the machine lets a test do that only root may, and containers often not even then. Asked once.</summary>
internal static class Machine
{
    private static readonly Lazy<bool> Mounts = new(() => OperatingSystem.IsLinux() && Environment.UserName == "root" && Run("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"));

    public static bool MayMount => Mounts.Value;

    /// <summary>Runs a program to its end; true when it says that all went well, false also where it does not exist.</summary>
    public static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

/// <summary>A fact that needs a disk of its own to fill.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactWithDiskAttribute : FactAttribute
{
    public FactWithDiskAttribute()
    {
        if (!Machine.MayMount) Skip = "mounting a disk of its own needs root";
    }
}

/// <summary>A small disk in memory, mounted for one test, that can be filled to the last byte, emptied, and made read-only.</summary>
internal sealed class TinyDisk : IDisposable
{
    private TinyDisk(string path) => Path = path;

    public string Path { get; }
    private string Filler => System.IO.Path.Combine(Path, "filler");

    public static TinyDisk Mount(int megabytes)
    {
        var folder = Directory.CreateTempSubdirectory("stowline-disk-").FullName;
        Assert.True(Machine.Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", folder));
        return new TinyDisk(folder);
    }

    /// <summary>Takes all the room that is left.</summary>
    public void Fill()
    {
        // Without a buffer, and in ever smaller pieces: what does not fit is not written at all.
        using var file = new FileStream(Filler, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        for (var piece = 1024 * 1024; piece > 0;)
        {
            try
            {
                file.Write(new byte[piece]);
            }
            catch (IOException)
            {
                piece /= 2;
            }
        }
    }

    public void Empty() => File.Delete(Filler);

    public void MakeReadOnly() => Assert.True(Machine.Run("mount", "-o", "remount,ro", Path));

    public void Dispose()
    {
        Machine.Run("umount", "--lazy", Path);
        Directory.Delete(Path);
    }
}
