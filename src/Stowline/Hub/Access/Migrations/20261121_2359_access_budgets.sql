-- What processes have taken of a caller's quota in the present window, in portions. Times are seconds since 1970. Rows of windows that are over are deleted.
CREATE TABLE access_budgets (
    caller  {text} NOT NULL,
    seconds {int} NOT NULL,
    ends_at {bigint} NOT NULL,
    taken   {bigint} NOT NULL,
    PRIMARY KEY (caller, seconds)
) {hot};
CREATE INDEX access_budgets_end ON access_budgets (ends_at);
