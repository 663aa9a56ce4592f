-- Who works at the sites (their codes stand in tasks and events). Sites and roles are comma-separated; a code has no comma in it.
CREATE TABLE access_workers (
    code     {text} NOT NULL PRIMARY KEY,
    name     {text} NOT NULL,
    badge    {text},
    sites    {text} NOT NULL,
    roles    {text} NOT NULL,
    active   {bool} NOT NULL,
    saved_at {time} NOT NULL
) {without_rowid};
CREATE UNIQUE INDEX access_workers_badge ON access_workers (badge) WHERE badge IS NOT NULL;
