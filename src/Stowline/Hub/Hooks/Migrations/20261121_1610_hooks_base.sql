-- Endpoints that are told of events. types: comma-separated patterns. failures counts rounds in a row without any success. A round of sending holds the lease
-- (owner, lease_until), so that of several processes one at a time sends to an endpoint and the order of a subject is kept.
CREATE TABLE webhooks (
    id              {uuid} NOT NULL PRIMARY KEY,
    url             {text} NOT NULL,
    description     {text},
    profile         {int} NOT NULL,
    types           {text} NOT NULL,
    channel         {text},
    personal        {bool} NOT NULL,
    credentials     {text},
    secret          {text} NOT NULL,
    old_secret      {text},
    old_until       {time},
    enabled         {bool} NOT NULL,
    disabled_reason {text},
    failures        {int} NOT NULL,
    failing_since   {time},
    paused_until    {time},
    last_success_at {time},
    next_seq        {bigint} NOT NULL,
    owner           {uuid},
    lease_until     {time},
    created_at      {time} NOT NULL,
    created_by      {text} NOT NULL
) {hot};
CREATE UNIQUE INDEX webhooks_url ON webhooks (url);

-- How far each endpoint has been given each lane.
CREATE TABLE webhook_cursors (
    webhook_id {uuid} NOT NULL,
    lane       {text} NOT NULL,
    position   {bigint} NOT NULL,
    PRIMARY KEY (webhook_id, lane)
) {hot};

-- What an endpoint is to be told, and what came of it. The event itself stays in its lane: what is sent is made anew for each attempt, so nothing personal is here.
CREATE TABLE webhook_deliveries (
    webhook_id   {uuid} NOT NULL,
    seq          {bigint} NOT NULL,
    event_id     {uuid} NOT NULL,
    lane         {text} NOT NULL,
    position     {bigint} NOT NULL,
    type         {text} NOT NULL,
    subject      {text} NOT NULL,
    status       {int} NOT NULL,
    attempts     {int} NOT NULL,
    created_at   {time} NOT NULL,
    next_at      {time} NOT NULL,
    last_at      {time},
    last_status  {int},
    last_error   {text},
    last_body    {text},
    PRIMARY KEY (webhook_id, seq)
) {without_rowid};
CREATE INDEX webhook_deliveries_open ON webhook_deliveries (webhook_id, subject, seq) WHERE status = 1;
CREATE INDEX webhook_deliveries_status ON webhook_deliveries (webhook_id, status, seq);
CREATE INDEX webhook_deliveries_done ON webhook_deliveries (last_at) WHERE status > 1;
