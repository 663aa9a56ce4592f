using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using Microsoft.Extensions.Options;
using Stowline.Http;

namespace Stowline.Server.Live;

/// <summary>
/// SignalR's JSON with the API's own options. SignalR knows no optional arguments, but the contract says <c>Subscribe(topic,
/// afterPosition?)</c>: a call with the topic alone is read as one without a position.
/// </summary>
internal sealed class LiveProtocol : IHubProtocol
{
    private readonly JsonHubProtocol _json = new(Options.Create(new JsonHubProtocolOptions { PayloadSerializerOptions = HttpJson.Options }));

    public string Name => _json.Name;
    public int Version => _json.Version;
    public TransferFormat TransferFormat => _json.TransferFormat;
    public bool IsVersionSupported(int version) => _json.IsVersionSupported(version);
    public ReadOnlyMemory<byte> GetMessageBytes(HubMessage message) => message is LiveFrame frame ? frame.Bytes : _json.GetMessageBytes(message);

    public void WriteMessage(HubMessage message, IBufferWriter<byte> output)
    {
        if (message is not LiveFrame frame)
        {
            _json.WriteMessage(message, output);
            return;
        }
        frame.Bytes.Span.CopyTo(output.GetSpan(frame.Bytes.Length));
        output.Advance(frame.Bytes.Length);
    }

    public bool TryParseMessage(ref ReadOnlySequence<byte> input, IInvocationBinder binder, [NotNullWhen(true)] out HubMessage? message)
    {
        var before = input;
        if (!_json.TryParseMessage(ref input, binder, out message)) return false;
        if (message is not InvocationBindingFailureMessage { Target: var target } || !target.Equals(nameof(LiveHub.Subscribe), StringComparison.OrdinalIgnoreCase)) return true;
        if (_json.TryParseMessage(ref before, new TopicOnly(binder), out var again) && again is InvocationMessage { Arguments: [var topic] } call)
            message = new InvocationMessage(call.InvocationId, call.Target, [topic, null]);
        return true;
    }

    private sealed class TopicOnly(IInvocationBinder binder) : IInvocationBinder
    {
        public IReadOnlyList<Type> GetParameterTypes(string methodName) => [typeof(string)];
        public Type GetReturnType(string invocationId) => binder.GetReturnType(invocationId);
        public Type GetStreamItemType(string streamId) => binder.GetStreamItemType(streamId);
    }
}
