"""`python -m ops.cli`: the command, for child processes."""

from ops.cli.main import main

main()
