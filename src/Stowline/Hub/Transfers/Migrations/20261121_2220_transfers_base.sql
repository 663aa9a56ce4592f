-- Goods on their way from site to site (W5), as the hub knows of them. arrived: the receiving site has said that nothing more will come.
CREATE TABLE transfers (
    id              {uuid} NOT NULL PRIMARY KEY,
    number          {bigint} NOT NULL,
    from_site       {text} NOT NULL,
    to_site         {text} NOT NULL,
    status          {int} NOT NULL,
    priority        {int} NOT NULL,
    reason          {text},
    carrier         {text},
    tracking_number {text},
    arrived         {bool} NOT NULL,
    requested_at    {time} NOT NULL,
    shipped_at      {time},
    closed_at       {time}
) {without_rowid};
CREATE UNIQUE INDEX transfers_number ON transfers (number);
CREATE INDEX transfers_status ON transfers (status, id);

-- short: what the sending site could not find or gave back. In transit is shipped − received.
CREATE TABLE transfer_lines (
    transfer_id {uuid} NOT NULL,
    sku         {text} NOT NULL,
    requested   {bigint} NOT NULL,
    short       {bigint} NOT NULL,
    shipped     {bigint} NOT NULL,
    received    {bigint} NOT NULL,
    PRIMARY KEY (transfer_id, sku)
) {without_rowid};
