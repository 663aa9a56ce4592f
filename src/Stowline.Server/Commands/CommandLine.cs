using System.CommandLine;

namespace Stowline.Server.Commands;

/// <summary>What a command runs with.</summary>
public sealed record CommandContext(ParseResult Parsed, Configuration Configuration, Report Report);

/// <summary>The command line: one registration line per command. What all commands share stands here.</summary>
public static class CommandLine
{
    private static readonly Option<string?> Data = new("--data") { Description = "the node's folder (./data)", HelpName = "DIR", Recursive = true };
    private static readonly Option<string?> Database = new("--database") { Description = "sqlite:PATH or postgres://user:password@host:port/name", HelpName = "URL", Recursive = true };
    private static readonly Option<bool> Json = new("--json") { Description = "the last line of standard output is one JSON object", Recursive = true };

    public static async Task<int> RunAsync(string[] args)
    {
        // A node finishes what it has begun before it ends; the library's own two seconds would cut that off.
        var configuration = new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(60), EnableDefaultExceptionHandler = false };
        return await Build().Parse(args).InvokeAsync(configuration);
    }

    private static RootCommand Build()
    {
        var root = new RootCommand("Stowline: order fulfillment, from the order to the parcel, also where the network is not.") { Data, Database, Json };
        root.Subcommands.Add(ServeCommand.Define());
        root.Subcommands.Add(VerifyCommand.Define());
        root.Subcommands.Add(BackupCommand.Define());
        root.Subcommands.Add(RestoreCommand.Define());
        root.Subcommands.Add(ArchiveCommand.Define());
        root.Subcommands.Add(BenchCommand.Define());
        root.Subcommands.Add(new Command("import", "Bring data from elsewhere into a node") { RetailCommands.Import(), PizzaCommands.Import(), CsvCommands.Import(), CsvCommands.ImportMenu() });
        root.Subcommands.Add(SimulateCommand.Define());
        root.Subcommands.Add(new Command("export", "Take data out of a node, running or stopped") { CsvCommands.Export() });
        root.Subcommands.Add(new Command("replay", "Run recorded business through a node, from the order to the parcel") { RetailCommands.Replay(), PizzaCommands.Replay() });
        root.Subcommands.Add(KeysCommands.Define());
        root.Subcommands.Add(SitesCommands.Define());
        root.Subcommands.Add(LinkCommands.Define());
        root.Subcommands.Add(CarriersCommands.Define());
        root.Subcommands.Add(SmokeCommand.Define());
        root.Subcommands.Add(VersionCommand.Define());
        return root;
    }

    /// <summary>Gives a command its action: configuration is read, refusals become a message and exit status 1.</summary>
    /// <param name="flags">Settings that this command takes as options of its own.</param>
    public static Command Does(this Command command, Func<CommandContext, CancellationToken, Task<int>> run, params (string Setting, Option Option)[] flags)
    {
        command.SetAction(async (parsed, ct) =>
        {
            var report = new Report(parsed.GetValue(Json), Console.Out, Console.Error);
            try
            {
                var given = new Dictionary<string, string?> { ["data"] = parsed.GetValue(Data), ["database"] = parsed.GetValue(Database) };
                foreach (var (setting, option) in flags)
                    given[setting] = parsed.GetResult(option) is { Implicit: false } result ? string.Join(' ', result.Tokens.Select(t => t.Value)) : null;
                return await run(new CommandContext(parsed, Configuration.Load(given), report), ct);
            }
            catch (Exception e) when (e is CommandRefusedException or IOException or UnauthorizedAccessException or Log.BackupBrokenException)
            {
                return report.Fail(e.Message);
            }
            catch (Exception e) when (DatabaseTrouble.Tell(e, "the database") is not null)
            {
                return report.Fail(DatabaseTrouble.Tell(e, "the database")!);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Console.Error.WriteLine(e); // a bug of ours: whoever reports it needs all of it
                return report.Fail("an unexpected error; what stands above belongs into a bug report");
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return report.Fail("stopped before it was done");
            }
        });
        return command;
    }
}
