-- The lane that a relay reads, so that its cursor goes back with a copy that is set back. Each relay fills it in with its next lease.
ALTER TABLE relays ADD COLUMN lane {text};
