"""From two rosters to the changes between them. Pure."""
