"""Apply a plan as operations, and process their results."""
