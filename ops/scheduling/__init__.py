"""Scheduled jobs: their file, their beat, their runs."""
