"""Processes of this machine: the private Redis, supervised children."""
