"""Administrator actions; each is recorded in the audit trail before it takes effect."""
