using Stowline.Http;

namespace Stowline.Hub.Hooks;

/// <summary>Which addresses webhooks may call: set apart from where carriers may, because other people choose them.</summary>
public sealed class HookTarget : OutboundTarget;
