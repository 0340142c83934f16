"""One operation: signed, sent, retried, and its reply judged."""
