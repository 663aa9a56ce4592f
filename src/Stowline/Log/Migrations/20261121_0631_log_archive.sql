-- What of each lane was written to files and deleted here. The hash of the last archived group is the checkpoint from which verify goes on.
CREATE TABLE lane_archives (
    lane_id        {int} NOT NULL,
    first_position {bigint} NOT NULL,
    last_position  {bigint} NOT NULL,
    incarnation    {int} NOT NULL,
    hash           {bytes} NOT NULL,
    file           {text} NOT NULL,
    sha256         {bytes} NOT NULL,
    archived_at    {time} NOT NULL,
    PRIMARY KEY (lane_id, first_position)
);
