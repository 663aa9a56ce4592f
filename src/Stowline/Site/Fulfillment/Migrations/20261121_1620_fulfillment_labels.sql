-- How a site's parcels are labelled. stem: extension digit, GS1 company prefix and the site's own digits; the rest of an SSCC counts up.
CREATE TABLE label_settings (
    site   {text} NOT NULL PRIMARY KEY,
    stem   {text},
    sender {text} NOT NULL,
    font   {text}
) {without_rowid};

-- Every stem that was ever a site's. A stem stays its site's: nothing that begins with it is ever given to another.
CREATE TABLE sscc_stems (
    stem {text} NOT NULL PRIMARY KEY,
    site {text} NOT NULL
) {without_rowid};

ALTER TABLE packages ADD COLUMN sscc {text};
CREATE UNIQUE INDEX packages_sscc ON packages (sscc) WHERE sscc IS NOT NULL;
