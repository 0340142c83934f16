"""Looks after a running system: the command, the private Redis, the simulator, the doctor."""
