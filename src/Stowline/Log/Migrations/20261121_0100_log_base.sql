-- One row per lane. The row whose name is the scope's is the scope's lock: it is updated first in every writing transaction.
CREATE TABLE lanes (
    id            {int} NOT NULL PRIMARY KEY,
    name          {text} NOT NULL UNIQUE,
    scope         {text} NOT NULL,
    ordinal       {int} NOT NULL,
    incarnation   {int} NOT NULL,
    head_position {bigint} NOT NULL,
    head_hash     {bytes} NOT NULL,
    opened_at     {time} NOT NULL
);

-- What each writer committed last: read when the answer to a COMMIT was lost.
CREATE TABLE lane_writers (
    scope      {text} NOT NULL,
    writer     {uuid} NOT NULL,
    last_group {bigint} NOT NULL,
    started_at {time} NOT NULL,
    PRIMARY KEY (scope, writer)
);

CREATE TABLE lane_sequences (
    lane_id {int} NOT NULL,
    kind    {text} NOT NULL,
    last    {bigint} NOT NULL,
    PRIMARY KEY (lane_id, kind)
) {hot};

CREATE TABLE event_groups (
    lane_id        {int} NOT NULL,
    first_position {bigint} NOT NULL,
    count          {int} NOT NULL,
    incarnation    {int} NOT NULL,
    hash           {bytes} NOT NULL,
    PRIMARY KEY (lane_id, first_position)
) {without_rowid};

-- The payload is kept as the bytes that were hashed, never as a database JSON type that would reorder it.
CREATE TABLE events (
    lane_id  {int} NOT NULL,
    position {bigint} NOT NULL,
    id       {uuid} NOT NULL,
    type     {text} NOT NULL,
    subject  {text} NOT NULL,
    order_id {uuid},
    at       {time} NOT NULL,
    actor    {text} NOT NULL,
    trace    {text},
    payload  {bytes} NOT NULL,
    PRIMARY KEY (lane_id, position)
) {without_rowid};

-- An order's timeline. UUIDv7, so the index grows at one end.
CREATE INDEX events_order ON events (order_id, at) WHERE order_id IS NOT NULL;

CREATE TABLE cursors (
    consumer {text} NOT NULL,
    lane_id  {int} NOT NULL,
    position {bigint} NOT NULL,
    PRIMARY KEY (consumer, lane_id)
) {hot};

CREATE TABLE parked_events (
    consumer  {text} NOT NULL,
    lane_id   {int} NOT NULL,
    position  {bigint} NOT NULL,
    subject   {text} NOT NULL,
    type      {text} NOT NULL,
    error     {text} NOT NULL,
    attempts  {int} NOT NULL,
    parked_at {time} NOT NULL,
    PRIMARY KEY (consumer, lane_id, position)
) {without_rowid};

CREATE TABLE idempotency_keys (
    key_hash   {bytes} NOT NULL PRIMARY KEY,
    body_hash  {bytes} NOT NULL,
    status     {int} NOT NULL,
    location   {text},
    body       {bytes} NOT NULL,
    created_at {time} NOT NULL
) {without_rowid};

-- Keys of personal data, outside the log: erasing a person erases the key and with it every copy of the data.
CREATE TABLE people (
    person_id  {uuid} NOT NULL PRIMARY KEY,
    key        {bytes},
    created_at {time} NOT NULL,
    erased_at  {time}
) {without_rowid};
