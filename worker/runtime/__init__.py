"""One worker process: its threads, leases, rescuer, watchdog and webhooks."""
