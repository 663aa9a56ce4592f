-- 1: the lane's writer was restored, and what others have copied of the lane has not been taken back yet: nothing is written until it has.
ALTER TABLE lanes ADD COLUMN held {int} NOT NULL DEFAULT 0;

-- After a restore: one row per link over which lost events may come back, by site. At a site one row, for itself.
-- lost: what is known to have been written and nobody has; unapplied: types of events that came back, but that no module could bring into its tables.
CREATE TABLE lane_repairs (
    site       {text} NOT NULL PRIMARY KEY,
    state      {int} NOT NULL,
    backup_at  {time} NOT NULL,
    taken_back {bigint} NOT NULL,
    lost       {text} NOT NULL,
    unapplied  {text} NOT NULL
);
