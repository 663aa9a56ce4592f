-- What sites took in under a number that no transfer has here: it counts should the transfer become known, when a site comes back that a restored hub went on without.
CREATE TABLE transfer_unknown_receipts (
    id       {uuid} NOT NULL PRIMARY KEY,
    number   {bigint} NOT NULL,
    site     {text} NOT NULL,
    lots     {text} NOT NULL,
    complete {bool} NOT NULL
) {without_rowid};
CREATE INDEX transfer_unknown_receipts_number ON transfer_unknown_receipts (number, site);
