-- Sites that an operator has given up: nothing is promised from there until the site is taken back and heard. state: GiveUpState.
CREATE TABLE given_up_sites (
    site        {text} NOT NULL PRIMARY KEY,
    state       {int} NOT NULL,
    given_up_at {time} NOT NULL,
    reason      {text} NOT NULL,
    actor       {text} NOT NULL
) {without_rowid};
