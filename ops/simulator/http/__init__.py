"""The simulator's HTTP side: requests taken apart, authenticated, answered."""
