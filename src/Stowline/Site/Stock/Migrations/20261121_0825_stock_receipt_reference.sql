-- An import asks whether a reference was received before.
CREATE INDEX receipts_reference ON receipts (site, reference);
