using Stowline.Log;

namespace Stowline.Server.Commands;

/// <summary>
/// Where the database of a site that is moved out is made: a folder, which has its name only when all is in it, or an empty PostgreSQL database.
/// </summary>
internal sealed class SiteTarget : IDisposable
{
    private readonly Configuration _configuration;
    private readonly string? _folder;
    private readonly string _part;

    private SiteTarget(string? folder, string part, Configuration configuration) => (_folder, _part, _configuration) = (folder, part, configuration);

    /// <summary>The folder; a database's address may hold a password and is not repeated.</summary>
    public string Name => _folder ?? "PostgreSQL";

    /// <summary>How the site's node is told of it.</summary>
    public string Flag => _folder is null ? "--database URL" : "--data " + _folder;

    /// <summary>What the hub hands out is brought here first.</summary>
    public string File => Path.Combine(_part, "site.stow");

    /// <exception cref="CommandRefusedException">There is something already.</exception>
    public static SiteTarget Prepare(string to, Configuration configuration)
    {
        var folder = (configuration with { Database = to }).IsPostgres ? null : Path.GetFullPath(to);
        if (folder is not null && (System.IO.File.Exists(folder) || Directory.Exists(folder)))
            throw new CommandRefusedException($"{folder} is there already; the site's database goes into a new folder");
        var part = folder is null ? Directory.CreateTempSubdirectory("stowline-move-out-").FullName : folder + ".part";
        if (Directory.Exists(part) && folder is not null) Directory.Delete(part, recursive: true); // of an earlier try that did not end
        Directory.CreateDirectory(part);
        var own = configuration with { Site = "", Hub = "", Key = "" };
        return new SiteTarget(folder, part, folder is null ? own with { Database = to } : own with { Data = part, Database = "" });
    }

    public FileStream Create() => Create(File);

    /// <summary>For its owner alone: the keys of customers' data are in it.</summary>
    public static FileStream Create(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(path, options);
    }

    /// <summary>Makes the database from the file, checks it as <c>stowline verify</c> does, and gives the folder its name.</summary>
    public async Task<VerificationReport> FillAsync(CancellationToken ct)
    {
        await RestoreCommand.RestoreAsync(_configuration, File, ct);
        VerificationReport report;
        await using (var opened = await NodeOpener.OpenAsync(_configuration, ct: ct)) report = await Verification.RunAsync(opened.Node, ct);
        System.IO.File.Delete(File);
        if (report.Ok && _folder is not null) Directory.Move(_part, _folder);
        return report;
    }

    /// <summary>What was not finished is of no use: the command can be given again.</summary>
    public void Dispose()
    {
        if (Directory.Exists(_part)) Directory.Delete(_part, recursive: true);
    }
}
