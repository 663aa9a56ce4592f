-- What was adjusted of late, for the accuracy of the books (W18): few movements are adjustments, and the ledger is long. 5 is MovementKind.Adjustment.
CREATE INDEX movements_adjusted ON movements (site, number) WHERE kind = 5;
