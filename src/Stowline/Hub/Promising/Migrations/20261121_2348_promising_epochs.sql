-- Epochs of the counters (decision 0027). closed_epoch: what the site grants in this epoch or an older one does not count, because the hub has given the site up.
ALTER TABLE allotments ADD COLUMN closed_epoch {int} NOT NULL DEFAULT 0;
-- Units that lie at the site and are neither its own nor the hub's to promise, until they are counted.
ALTER TABLE allotments ADD COLUMN disputed {bigint} NOT NULL DEFAULT 0;
-- Units that the hub had promised when the site opened the epoch, and of which the site had not heard then: so far below zero free may be.
ALTER TABLE allotments ADD COLUMN unheard {bigint} NOT NULL DEFAULT 0;
