-- Decision 0032: the receipts in a row behind its oldest, oldest first, as 'units@microseconds units@microseconds'; null where all units are of received_at, as in most rows.
-- What is not in it is of the oldest receipt, so rows of before this migration hold one receipt each.
ALTER TABLE stock ADD COLUMN newer {text};
