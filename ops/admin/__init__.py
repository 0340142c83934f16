"""What an administrator changes by hand, with an audit entry first."""
