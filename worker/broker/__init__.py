"""Messages: all that knows Celery and kombu."""
