"""What an operator reads: lists, statistics, explanations and progress."""
