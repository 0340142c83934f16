"""A OneRoster bundle is read, compared with what was applied last, and made a plan."""

#: What operations that a sync submits say of where they are from.
SOURCE = "sync"
