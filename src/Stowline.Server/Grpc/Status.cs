using System.Globalization;
using System.Text;
using Stowline.Http;
using Stowline.Kernel;

namespace Stowline.Server.Grpc;

/// <summary>gRPC's status codes, with the names and numbers of every gRPC library.</summary>
public enum StatusCode
{
    OK = 0, Cancelled = 1, Unknown = 2, InvalidArgument = 3, DeadlineExceeded = 4, NotFound = 5, AlreadyExists = 6, PermissionDenied = 7, ResourceExhausted = 8,
    FailedPrecondition = 9, Aborted = 10, OutOfRange = 11, Unimplemented = 12, Internal = 13, Unavailable = 14, DataLoss = 15, Unauthenticated = 16,
}

/// <summary>How a call ended. Shaped like Grpc.Core's.</summary>
public readonly record struct Status(StatusCode StatusCode, string Detail);

/// <summary>Ends a call with a status. Shaped like Grpc.Core's.</summary>
public sealed class RpcException : Exception
{
    public RpcException(Status status, Refusal? refusal = null) : base($"{status.StatusCode}: {status.Detail}") => (Status, Refusal) = (status, refusal);

    /// <summary>A refusal of a command, by the one table.</summary>
    internal RpcException(Refusal refusal) : this(GrpcStatus.Of(refusal), refusal) { }

    public Status Status { get; }
    internal Refusal? Refusal { get; }
}

/// <summary>How refusals become status codes: the one place, as <see cref="Answers"/> is for HTTP (F11).</summary>
internal static class GrpcStatus
{
    public static Status Of(Refusal refusal) => new(CodeOf(refusal), refusal.Detail);

    private static StatusCode CodeOf(Refusal refusal) => refusal.Kind switch
    {
        RefusalKind.Invalid => StatusCode.InvalidArgument,
        RefusalKind.Unauthenticated => StatusCode.Unauthenticated,
        RefusalKind.Forbidden => StatusCode.PermissionDenied,
        RefusalKind.NotFound => StatusCode.NotFound,
        RefusalKind.Conflict => OfConflict(refusal.Code),
        RefusalKind.TooLarge => StatusCode.ResourceExhausted,
        RefusalKind.Unprocessable => StatusCode.InvalidArgument,
        RefusalKind.TooMany => StatusCode.ResourceExhausted,
        RefusalKind.Unavailable => refusal.Code == "internal_error" ? StatusCode.Internal : StatusCode.Unavailable,
        RefusalKind.UnsupportedMediaType => StatusCode.InvalidArgument,
    };

    /// <summary>HTTP has one 409; gRPC tells apart what to do next: wait for room, take what exists, read again, or change something first.</summary>
    private static StatusCode OfConflict(string code) => code switch
    {
        "slots_full" => StatusCode.ResourceExhausted, // source 4: "All slots are full for today"
        "external_id_taken" or "serial_taken" or "tracking_number_taken" or "key_name_taken" => StatusCode.AlreadyExists,
        "stale_quantity" => StatusCode.Aborted,
        _ => StatusCode.FailedPrecondition,
    };

    /// <summary>grpc-message: UTF-8 with everything but printable ASCII, and the percent sign, as %XX.</summary>
    public static string Encode(string detail)
    {
        var text = new StringBuilder(detail.Length + 16);
        foreach (var b in Encoding.UTF8.GetBytes(detail))
        {
            if (b is >= 0x20 and <= 0x7e and not (byte)'%') text.Append((char)b);
            else text.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
        }
        return text.ToString();
    }
}
