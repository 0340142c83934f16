"""OneRoster: read an export, compare it with what was applied last, plan and apply the changes."""

#: The `source` of operations that a sync submits.
SOURCE = "sync"
