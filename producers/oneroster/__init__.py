"""A OneRoster bundle is read, compared with what was applied last, and made a plan."""
