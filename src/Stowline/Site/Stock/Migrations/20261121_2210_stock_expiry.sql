-- Lots that expire, by site and date. Most rows have no date and are not in it.
CREATE INDEX stock_expiry ON stock (site, expires_on) WHERE expires_on IS NOT NULL;

-- What time it is at a site, as the hub has told it: a lot expires by the site's date. UTC where nothing was told.
CREATE TABLE site_clocks (
    site      {text} NOT NULL PRIMARY KEY,
    time_zone {text}
) {without_rowid};
