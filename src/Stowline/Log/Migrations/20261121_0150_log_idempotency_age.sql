-- The clean-up looks for the oldest keys every hour. The index grows at one end only.
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
