"""Scheduling: when a job is due, and who claims its tick."""
