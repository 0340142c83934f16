"""Local processes: the private Redis and supervised children."""
