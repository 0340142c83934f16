"""Carries operations out: what ClassIn understands, what happened to each, and the doing."""
