-- How far a relay to the outside has come. One process relays at a time: whoever holds the lease. Two at once would mix up an order's events.
CREATE TABLE relays (
    name        {text} NOT NULL PRIMARY KEY,
    position    {bigint} NOT NULL,
    owner       {uuid},
    lease_until {time}
) {hot};

-- Messages from outside that could not be taken: their own words are kept, so that somebody can see what came. source and position are where they came from.
CREATE TABLE parked_messages (
    consumer  {text} NOT NULL,
    source    {text} NOT NULL,
    position  {bigint} NOT NULL,
    subject   {text} NOT NULL,
    error     {text} NOT NULL,
    body      {bytes} NOT NULL,
    parked_at {time} NOT NULL,
    PRIMARY KEY (consumer, source, position)
) {without_rowid};
