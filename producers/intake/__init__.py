"""From what a submitter asks to records and messages."""
