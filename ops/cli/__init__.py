"""The `classin` command: a module for each kind of use."""
