"""Scheduled jobs: their file, their beat and their runs."""
