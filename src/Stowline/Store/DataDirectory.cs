namespace Stowline.Store;

/// <summary>Another process holds a node's folder.</summary>
public sealed class FolderInUseException(string message, Exception inner) : IOException(message, inner);

/// <summary>
/// The folder of one node. Holding it locks it: two processes that write one SQLite file through different caches of lane heads would
/// tear the log. The lock is the operating system's, so it goes with the process, however that ends.
/// </summary>
public sealed class DataDirectory : IDisposable
{
    private readonly FileStream _lock;

    private DataDirectory(string path, FileStream held) => (Path, _lock) = (path, held);

    public string Path { get; }
    public string DatabaseFile => System.IO.Path.Combine(Path, "stowline.db");

    /// <summary>Makes the folder where needed and locks it.</summary>
    /// <exception cref="FolderInUseException">Another process holds it.</exception>
    /// <exception cref="IOException">It cannot be made or written: no room, no permission, a disk that is mounted read-only.</exception>
    public static DataDirectory Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(path);
            return new DataDirectory(path, new FileStream(System.IO.Path.Combine(path, "stowline.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (IsHeld(e))
        {
            throw new FolderInUseException($"{path} is in use by another Stowline process", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path} cannot be written ({e.Message.TrimEnd('.')}): make room or give permission there, or name another folder with --data", e);
        }
    }

    /// <summary>What the system says of a lock that another one has: a sharing violation on Windows, EWOULDBLOCK elsewhere (11 on Linux, 35 on macOS and the BSDs).</summary>
    private static bool IsHeld(IOException e) => OperatingSystem.IsWindows() ? (e.HResult & 0xFFFF) is 32 or 33 : e.HResult == (OperatingSystem.IsLinux() ? 11 : 35);

    public void Dispose() => _lock.Dispose();
}
