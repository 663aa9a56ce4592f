-- Who may call with auth=keys. Of the secret only its SHA-256 is here. Scopes and sites are comma-separated; a code has no comma in it.
-- Revoked keys stay, so that a name in an old event can still be explained.
CREATE TABLE access_keys (
    id          {text} NOT NULL PRIMARY KEY,
    name        {text} NOT NULL,
    scopes      {text} NOT NULL,
    sites       {text} NOT NULL,
    secret_hash {bytes} NOT NULL,
    created_at  {time} NOT NULL,
    created_by  {text} NOT NULL,
    revoked_at  {time},
    revoked_by  {text}
) {without_rowid};
CREATE UNIQUE INDEX access_keys_live ON access_keys (name) WHERE revoked_at IS NULL;
CREATE INDEX access_keys_name ON access_keys (name, id);
