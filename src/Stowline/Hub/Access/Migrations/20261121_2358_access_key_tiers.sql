-- How much a key may call: the name of a tier of the settings.
ALTER TABLE access_keys ADD COLUMN tier {text} NOT NULL DEFAULT 'default';
