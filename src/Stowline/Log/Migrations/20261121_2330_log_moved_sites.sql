-- Sites that were moved out to nodes of their own, with all that they had here. position: the last event of the site's lane that this node has written. heard_at: when the
-- new node was first heard; until then the site's rows stay, so that they can be handed out again.
CREATE TABLE moved_sites (
    site     {text} NOT NULL PRIMARY KEY,
    position {bigint} NOT NULL,
    moved_at {time} NOT NULL,
    heard_at {time}
);

-- The consumers that go on at the site's node: from where they stand here, or from starts_at.
CREATE TABLE moved_consumers (
    site      {text} NOT NULL,
    consumer  {text} NOT NULL,
    lane      {text} NOT NULL,
    starts_at {bigint},
    PRIMARY KEY (site, consumer, lane)
) {without_rowid};

-- How many of the lane's incarnations were opened by moving it to another node. Unlike a restore that forgets no number that was given out, so none is left out.
ALTER TABLE lanes ADD COLUMN moves {int} NOT NULL DEFAULT 0;

-- Whose answer it is: the keys of a site's doors go along with the site. Keys from before have none and stay.
ALTER TABLE idempotency_keys ADD COLUMN scope {text};
