using Stowline.Server.Commands;

return await CommandLine.RunAsync(args);
