"""What ClassIn understands: operations, codes, signatures, verdicts. Pure: no clock, no I/O."""
