"""What an operator reads: lists, statistics, explanations, progress."""
