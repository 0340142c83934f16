"""The commands of `classin`."""
