"""Plan the changes between two rosters. Pure."""
