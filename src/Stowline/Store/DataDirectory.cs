namespace Stowline.Store;

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
    /// <exception cref="IOException">Another process holds it.</exception>
    public static DataDirectory Open(string path)
    {
        Directory.CreateDirectory(path);
        var file = System.IO.Path.Combine(path, "stowline.lock");
        try
        {
            return new DataDirectory(System.IO.Path.GetFullPath(path), new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e)
        {
            throw new IOException($"{System.IO.Path.GetFullPath(path)} is in use by another Stowline process", e);
        }
    }

    public void Dispose() => _lock.Dispose();
}
