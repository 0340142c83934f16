"""A OneRoster export, read as it streams and checked row by row."""
