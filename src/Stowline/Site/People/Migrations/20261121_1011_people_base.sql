-- What each site knows of the workers, as the hub has told it. The names stay at the hub.
CREATE TABLE site_workers (
    site   {text} NOT NULL,
    code   {text} NOT NULL,
    badge  {text},
    active {bool} NOT NULL,
    PRIMARY KEY (site, code)
) {without_rowid};
CREATE INDEX site_workers_badge ON site_workers (site, badge);
