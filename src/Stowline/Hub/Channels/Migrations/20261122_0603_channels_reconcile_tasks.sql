-- Source 5 §4.1: whoever asks for a comparison gets its task_id. The one that was asked for and is not done; the last that is done.
ALTER TABLE channel_accounts ADD COLUMN reconcile_task {uuid};
ALTER TABLE channel_accounts ADD COLUMN reconciled_task {uuid};
