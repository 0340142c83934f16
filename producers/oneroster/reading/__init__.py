"""Read a OneRoster export as a stream, and check it row by row."""
