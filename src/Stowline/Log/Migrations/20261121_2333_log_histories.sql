-- What lanes of this node have taken in of another history of theirs, by event id: the same comes from each site that has a copy of it.
CREATE TABLE joined_events (
    lane {text} NOT NULL,
    id   {uuid} NOT NULL,
    PRIMARY KEY (lane, id)
) {without_rowid};

-- Old ends of copies: what a copy had beyond the point where its writer, restored from a backup, went on with another history. Kept with their hashes.
CREATE TABLE lane_histories (
    lane           {text} NOT NULL,
    history        {int} NOT NULL,
    fork_position  {bigint} NOT NULL,
    fork_hash      {bytes} NOT NULL,
    last_position  {bigint} NOT NULL,
    last_hash      {bytes} NOT NULL,
    kept_at        {time} NOT NULL,
    PRIMARY KEY (lane, history)
) {without_rowid};

CREATE TABLE history_groups (
    lane           {text} NOT NULL,
    history        {int} NOT NULL,
    first_position {bigint} NOT NULL,
    count          {int} NOT NULL,
    incarnation    {int} NOT NULL,
    hash           {bytes} NOT NULL,
    PRIMARY KEY (lane, history, first_position)
) {without_rowid};

CREATE TABLE history_events (
    lane     {text} NOT NULL,
    history  {int} NOT NULL,
    position {bigint} NOT NULL,
    id       {uuid} NOT NULL,
    type     {text} NOT NULL,
    subject  {text} NOT NULL,
    order_id {uuid},
    at       {time} NOT NULL,
    actor    {text} NOT NULL,
    trace    {text},
    payload  {bytes} NOT NULL,
    PRIMARY KEY (lane, history, position)
) {without_rowid};
CREATE INDEX history_events_id ON history_events (lane, id);

-- How far each consumer had read an old end.
CREATE TABLE history_cursors (
    lane     {text} NOT NULL,
    history  {int} NOT NULL,
    consumer {text} NOT NULL,
    position {bigint} NOT NULL,
    PRIMARY KEY (lane, history, consumer)
) {without_rowid};
