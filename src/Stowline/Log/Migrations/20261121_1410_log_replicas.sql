-- 1: another node writes this lane and this one keeps a copy. A copy is a scope of its own, named like the lane.
ALTER TABLE lanes ADD COLUMN replica {int} NOT NULL DEFAULT 0;

-- SHA-256 of the key that a person's erasure deleted last: a copy of it that comes late, from another node, is not taken back.
ALTER TABLE people ADD COLUMN erased_key {bytes};
