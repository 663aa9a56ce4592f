-- A site's shipments in order of age. It grows at one end per site.
CREATE INDEX shipments_site ON shipments (site, id);
