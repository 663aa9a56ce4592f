-- The sellers that a key is limited to, as JSON: their names may have commas.
ALTER TABLE access_keys ADD COLUMN sellers {text} NOT NULL DEFAULT '[]';
