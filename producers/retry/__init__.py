"""From a record that did not succeed to a new one that is linked to it."""
