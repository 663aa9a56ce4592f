-- What has left. packages: as they were at that moment, for the label's reprint and the carrier's bill.
CREATE TABLE shipments (
    id              {uuid} NOT NULL PRIMARY KEY,
    number          {bigint} NOT NULL,
    site            {text} NOT NULL,
    order_id        {uuid} NOT NULL,
    part            {int} NOT NULL,
    packing_task_id {uuid} NOT NULL,
    carrier         {text} NOT NULL,
    tracking_number {text} NOT NULL,
    status          {int} NOT NULL,
    packages        {text} NOT NULL,
    shipped_at      {time} NOT NULL
) {without_rowid};
CREATE UNIQUE INDEX shipments_number ON shipments (number);
CREATE UNIQUE INDEX shipments_task ON shipments (packing_task_id);
CREATE INDEX shipments_order ON shipments (order_id);
-- Per site, because only a site's own lane can tell in time that a number is taken.
CREATE UNIQUE INDEX shipments_tracking ON shipments (site, carrier, tracking_number);
