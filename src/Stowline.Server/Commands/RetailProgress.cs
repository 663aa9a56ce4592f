using Spectre.Console;

namespace Stowline.Server.Commands;

/// <summary>
/// A progress bar on standard error, and only for a person who looks at it: standard output is the report's, and a log file wants no bar.
/// </summary>
internal static class RetailProgress
{
    /// <summary>Runs the work with a bar of so many steps. What is told besides stands before the bar.</summary>
    public static async Task<T> ShowAsync<T>(string title, Func<Action<double, string>, Task<T>> work)
    {
        if (Console.IsErrorRedirected) return await work((_, _) => { });
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return await console.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async progress =>
            {
                var bar = progress.AddTask(Markup.Escape(title), maxValue: 1);
                return await work((fraction, text) =>
                {
                    bar.Value = fraction;
                    bar.Description = Markup.Escape(text);
                });
            });
    }
}
