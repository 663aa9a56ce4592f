System.Console.WriteLine("stowline");
