-- How each link stands, by site: at the hub one row per site with a node of its own, at a site one row, for itself. Kept for whoever asks another process, or
-- after a restart; what is decided by is the lanes themselves.
CREATE TABLE link_states (
    site         {text} NOT NULL PRIMARY KEY,
    state        {int} NOT NULL,
    since        {time} NOT NULL,
    last_contact {time},
    peer         {text},
    peer_version {text},
    lanes        {text} NOT NULL,
    alerts       {text} NOT NULL
) {without_rowid};
