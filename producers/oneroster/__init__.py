"""OneRoster: read an export, compare it with what was applied last, plan and apply the changes."""

#: What operations that a sync submits say of where they are from.
SOURCE = "sync"
