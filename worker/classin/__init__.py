"""ClassIn's API: operations, codes, signatures and verdicts. Pure: no clock, no I/O."""
