using Microsoft.Extensions.Logging.Console;

namespace Stowline.Server.Telemetry;

/// <summary>How the node logs: JSON with scopes on standard error, or text for eyes. Standard output is for what commands report.</summary>
internal static class Logs
{
    private const string Time = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public static void Register(ILoggingBuilder logging, Configuration configuration)
    {
        logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Stowline", configuration.LogLevel switch
        {
            "debug" => LogLevel.Debug,
            "warning" => LogLevel.Warning,
            _ => LogLevel.Information,
        });
        if (configuration.LogFormat == "text") logging.AddSimpleConsole(o => (o.IncludeScopes, o.SingleLine, o.UseUtcTimestamp, o.TimestampFormat) = (true, true, true, Time + " "));
        else logging.AddJsonConsole(o => (o.IncludeScopes, o.UseUtcTimestamp, o.TimestampFormat) = (true, true, Time));
        logging.Services.Configure<ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        // The host would log each request, and the guard logs what fails: this saves both the work and the noise. Kestrel's and the framework's
        // own scopes (connection, request id, path) are theirs, so they stand only where the framework itself logs.
        logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        // Activity ids in every line's scope would double ours.
        logging.Configure(o => o.ActivityTrackingOptions = ActivityTrackingOptions.None);
    }
}
