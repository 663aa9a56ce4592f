-- How sites are chosen for orders. Few rows: each process keeps them in memory as long as the number routing_rule of the hub's lane stands still.
-- rule: conditions, strategy and its parameters as JSON, as they were given.
CREATE TABLE routing_rules (
    name     {text} NOT NULL PRIMARY KEY,
    version  {bigint} NOT NULL,
    priority {int} NOT NULL,
    active   {bool} NOT NULL,
    rule     {text} NOT NULL,
    saved_at {time} NOT NULL,
    saved_by {text} NOT NULL
) {without_rowid};
