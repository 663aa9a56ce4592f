-- What needs somebody, and what did. origin: the node whose own trouble it is; empty for what all processes on this database see alike. told: what was sent to
-- Telegram (0 nothing, 1 that it was raised, 2 that it is over); told_until keeps two processes from sending the same.
CREATE TABLE alerts (
    id              {uuid} NOT NULL PRIMARY KEY,
    origin          {text} NOT NULL,
    key             {text} NOT NULL,
    severity        {int} NOT NULL,
    summary         {text} NOT NULL,
    raised_at       {time} NOT NULL,
    resolved_at     {time},
    acknowledged_at {time},
    acknowledged_by {text},
    told            {int} NOT NULL,
    told_until      {time}
) {without_rowid};
CREATE UNIQUE INDEX alerts_open ON alerts (origin, key) WHERE resolved_at IS NULL;
CREATE INDEX alerts_told ON alerts (id) WHERE told < 2;
