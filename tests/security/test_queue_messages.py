"""Who may push to the queue hands operations in; so a SIS does that has a Celery of its own.

It must not stop a worker, fill its memory, keep it busy, or write anywhere but onto the queue.
"""
