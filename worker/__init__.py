"""The worker: ClassIn's API, the ledger, and the execution of operations."""
