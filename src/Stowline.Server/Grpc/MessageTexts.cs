using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Stowline.Kernel;

namespace Stowline.Server.Grpc;

/// <summary>The texts of a message, checked as <see cref="Http.HostileText"/> checks those of JSON.</summary>
internal static class MessageTexts
{
    /// <summary>Names the first text with a NUL in it, which PostgreSQL does not take; null where there is none.</summary>
    public static Refusal? FindNul(IMessage message, string at = "")
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (field.FieldType is not (FieldType.String or FieldType.Message)) continue;
            var (value, name) = (field.Accessor.GetValue(message), at + field.Name);
            var found = value switch
            {
                string text => InText(text, name),
                IMessage inner => FindNul(inner, name + "."),
                IDictionary => null, // no message of ours has one with texts
                IList many => InMany(many, name),
                _ => null,
            };
            if (found is not null) return found;
        }
        return null;
    }

    private static Refusal? InMany(IList many, string name)
    {
        for (var i = 0; i < many.Count; i++)
            if ((many[i] is IMessage inner ? FindNul(inner, $"{name}[{i}].") : many[i] is string text ? InText(text, $"{name}[{i}]") : null) is { } found) return found;
        return null;
    }

    private static Refusal? InText(string text, string name) => text.Contains('\0') ? Refusal.Invalid(name, "must not contain the character NUL") : null;
}
