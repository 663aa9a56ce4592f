using Stowline.Log;

namespace Stowline.Link;

/// <summary>What an end of a link says by itself: greetings, beats, and batches of what is written here, as far as the other side has room for them.</summary>
public sealed partial class LinkEnd
{
    private async ValueTask<bool> SpeakAsync(CancellationToken ct)
    {
        if (!_greeted)
        {
            if (_role.IsHub || !IsSince(_helloSaid, HelloEvery)) return false;
            _helloSaid = _lanes.Time.GetTimestamp();
            Say(Introduction(await _lanes.Database.ReadAsync(Replicas.PointsAsync, ct)));
            return true;
        }
        if (IsSince(_beat, BeatEvery)) await BeatAsync(ct);
        AskAgain();
        foreach (var own in _sends)
            if (await SendAsync(own, ct)) return true;
        return false;
    }

    private async ValueTask BeatAsync(CancellationToken ct)
    {
        _beat = _lanes.Time.GetTimestamp();
        // Also how another process's writes are noticed of which nobody told.
        var points = await _lanes.Database.ReadAsync(Replicas.PointsAsync, ct);
        foreach (var own in _sends.Where(s => !s.IsReturn)) Volatile.Write(ref own.Head, Math.Max(points[own.Lane.Name].Position, Volatile.Read(ref own.Head)));
        await LookWhetherAllIsBackAsync(points); // the link of another site may have brought what this one waits for
        Say(LinkFrames.Write(new LinkBeat([.. _sends.Where(s => !s.IsReturn).Select(s => new LinkHead(s.Lane.Name, Volatile.Read(ref s.Head)))])));
    }

    /// <summary>What was sent and not acknowledged for long is sent again, ever more seldom: it may only be waiting to be worked off.</summary>
    private void AskAgain()
    {
        if (Array.TrueForAll(_sends, s => s.InFlight.Count == 0)) _progress = _lanes.Time.GetTimestamp();
        else if (IsSince(_progress, ResendAfter * (1 << Math.Min(_resends, 4))))
        {
            _resends++;
            _progress = _lanes.Time.GetTimestamp();
            foreach (var own in _sends)
            {
                own.Sent = own.Acked;
                own.InFlight.Clear();
            }
        }
    }

    private async ValueTask<bool> SendAsync(Outgoing own, CancellationToken ct)
    {
        var head = Volatile.Read(ref own.Head);
        if (head <= own.Sent || _diverged.Contains(own.Lane.Name) || !MaySend(own) || !HasRoom(own)) return false;
        var batch = await _lanes.Database.ReadAsync(async session =>
        {
            var groups = await Replicas.ReadAsync(session, own.Lane, own.Sent, EventsPerBatch);
            return new LinkBatch(own.Lane, groups, await LinkKeys.ForAsync(session, groups));
        }, ct);
        if (batch.Groups.Count == 0) return false;
        var frame = LinkFrames.Write(batch);
        own.Sent = batch.Groups[^1].Last;
        own.InFlight.Enqueue((own.Sent, frame.Length));
        Say(frame);
        return true;
    }

    private bool HasRoom(Outgoing own) => own.InFlight.Count < (own.IsBulk ? MostBulkBatches : MostBatches) && _sends.Sum(s => s.InFlight.Sum(f => (long)f.Bytes)) < MostBytes;
}
