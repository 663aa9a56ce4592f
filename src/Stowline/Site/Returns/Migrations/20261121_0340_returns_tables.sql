-- Goods that came back from customers (F13). lines: as they were counted; the units are in the ledger.
CREATE TABLE returns (
    id        {uuid} NOT NULL PRIMARY KEY,
    number    {bigint} NOT NULL,
    site      {text} NOT NULL,
    order_id  {uuid},
    reference {text} NOT NULL,
    reason    {text} NOT NULL,
    lines     {text} NOT NULL,
    at        {time} NOT NULL
) {without_rowid};
CREATE INDEX returns_site ON returns (site, id);
CREATE UNIQUE INDEX returns_number ON returns (number);
