-- Grows with every writing transaction of a scope, on the row that its lock is taken on. What a process remembers of a scope between two of its
-- own transactions is good exactly when the version has grown by one.
ALTER TABLE lanes ADD COLUMN version {bigint} NOT NULL DEFAULT 0;
