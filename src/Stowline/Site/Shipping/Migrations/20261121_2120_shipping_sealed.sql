-- Carriers' credentials, sealed with the node's key, which is not in the database. Those that were kept in plain are sealed when the node starts; value is empty then.
ALTER TABLE carrier_secrets ADD COLUMN sealed {bytes};
