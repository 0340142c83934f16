"""What happened to each operation: records, attempts, states and indexes, in Redis."""
