using Stowline.Log;

namespace Stowline.Tests.Support;

/// <summary>The pause between two looks at what another process or a pump does by itself: who asks without one takes the processor from whom it waits for.</summary>
internal static class Moment
{
    public static Task PassAsync() => new Signal().WaitAsync(TimeSpan.FromMilliseconds(50), TimeProvider.System, default);
}
